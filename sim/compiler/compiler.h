// The compiler: tiles every layer of a network for one accelerator and emits its commands.
#pragma once

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// The core's parameters for an accelerator.
Geometry geometry_of(const AcceleratorConfig& accelerator);

/// Maps each layer (mapper.h) by the candidate that costs least (cost.h), and emits commands in the order
/// docs/hardware.md asks for. Throws UserError if a layer needs wider accumulators (naming the layer and the bits) or
/// larger scratchpads (naming the key and the least size).
Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator);

}  // namespace shiftsim::sim
