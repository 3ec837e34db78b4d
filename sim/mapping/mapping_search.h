// Which mapping each layer gets. Candidates are ranked by what they cost at least (sim/compiler/cost.h); the best are
// decided by running the layer alone, cycle by cycle (layer_timing.h). docs/mapping.md.
#pragma once

#include <vector>

#include "qnet/network.h"
#include "sim/compiler/mapping.h"
#include "sim/config/config.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {

/// Mappings of all layers for config.mapping: the objective, and the layers that a user has fixed. The same at any
/// number of threads (0: all processors). Throws UserError: a layer that no mapping fits, a fixed layer that the
/// network does not have, a fixed mapping that does not fit.
std::vector<MappedLayer> find_mappings(const qnet::Network& network, const RunConfig& config,
                                       const Technology& technology, int threads);

}  // namespace shiftsim::sim
