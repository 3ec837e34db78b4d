// Activation functions that clamp: into the node that computes what they clamp.
#pragma once

#include <string>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Each kClamp becomes Node::clamp of the convolution, addition or affine node before it, where nobody else reads that.
/// Where others do it becomes a node of its own: a convolution that copies, or a function. One that changes nothing
/// goes. 'where' names the file in errors.
void place_clamps(Graph& graph, const std::string& where);

/// Clamps that no requantization does become functions behind their node.
void split_clamps(Graph& graph);

}  // namespace shiftsim::quantizer
