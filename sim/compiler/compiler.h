// The compiler: a network, and a mapping for each of its layers, to the commands of one accelerator.
#pragma once

#include <vector>

#include "qnet/network.h"
#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// The core's parameters for an accelerator.
Geometry geometry_of(const AcceleratorConfig& accelerator);

/// Where the tensors of 'batch' images of the network stand in the accelerator's DRAM and second-level buffer.
DramLayout layout_of(const qnet::Network& network, const AcceleratorConfig& accelerator, int batch = 1);

/// A layer as mappers see it, for the batch of 'dram', the layout of the network's tensors. All references must outlive
/// the task.
LayerTask make_task(const qnet::Network& network, const AcceleratorConfig& accelerator, int index,
                    const DramLayout& dram);

/// Throws UserError if a layer needs wider accumulators than there are, or an activation table where there is none,
/// naming the layer and the key.
void check_network(const qnet::Network& network, const AcceleratorConfig& accelerator);

/// Whether weights and tables are filled into the image: without them a program has timing alone.
enum class Contents { kFilled, kTimingOnly };

/// Emits the commands in the order docs/hardware.md asks for. 'mappings': one a layer, each of which fits. 'batch':
/// images that the program runs together.
Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator,
                const std::vector<MappedLayer>& mappings, Contents contents = Contents::kFilled, int batch = 1);

/// The same, where each layer takes the candidate of the least estimated cycles; check_network() comes first. Throws
/// UserError where a scratchpad is too small for any, naming the key and the least size. simrun's engines use the
/// search of sim/mapping instead.
Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator, int batch = 1);

}  // namespace shiftsim::sim
