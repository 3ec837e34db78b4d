// A network on its way to an engine: accumulators checked, mappings searched, commands emitted.
#pragma once

#include "qnet/network.h"
#include "sim/compiler/compiler.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// Throws UserError where the network does not fit the accelerator, or where the technology file, which weighs energy
/// for the search, cannot be read.
Program mapped_program(const qnet::Network& network, const RunConfig& config, Contents contents);

}  // namespace shiftsim::sim
