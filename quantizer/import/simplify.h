// From the nodes an exporter writes to those that are quantized.
#pragma once

#include <string>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Rewrites a graph until only simple kinds (node_kind.h) are left, their meaning unchanged:
///   - nodes the output does not need are dropped
///   - normalization of the image becomes Graph::input_scale and input_shift
///   - pads move into the windows that read them
///   - average pools become convolutions or global pools (average_pools.h)
///   - BatchNorm and other constants per channel are folded into the convolution before them, their statistics kept;
///   where
///     there is none (pre-activation networks) they become a depthwise 1x1 convolution
///   - ReLU and ReLU6 become the clamp of the convolution or addition before them, as do clips from 0 on
///   - other operators on single values become functions (fuse_functions()), in front of a max pool where they never
///   fall
///   - the last node is a convolution without activation function, so that its accumulators are the logits
/// Throws UserError naming 'where' (the file) and the node for what cannot be written so.
Graph simplify(Graph graph, const std::string& where);

}  // namespace shiftsim::quantizer
