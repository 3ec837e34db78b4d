// From single operators to functions of one value: activation functions that a file spells out.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Scale and shift of an affine node, where they are the same for all channels.
std::optional<std::pair<double, double>> uniform_affine(const Node& node);

/// Nodes that work on each value by itself, and lead from one node to another, become one node of kind kFunction:
/// x * Sigmoid(x), x * Clip(x + 3, 0, 6) / 6, 0.5 * x * (1 + Erf(x / sqrt(2))). What a requantization does by itself
/// (a scale, a shift, a clamp) stays as it is, unless there is something else in the chain. Throws UserError naming
/// 'where' (the file) and the node for operators on two activations that are left: this machine cannot multiply them.
Graph fuse_functions(Graph graph, const std::string& where);

}  // namespace shiftsim::quantizer
