// Average pools as convolutions whose weights are what a mean divides by.
#pragma once

#include <string>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Replaces kAveragePool nodes. A pool becomes a depthwise convolution of one weight, or a global pool where its window
/// is the whole map. Where windows reach over the map and the mean is that of the pixels inside, the divisor differs at
/// the border: each part of the map that has one divisor becomes a convolution that reads its part of the input, and
/// views join what they give. Throws UserError naming 'where' (the file) and the node where a window lies outside.
Graph convert_average_pools(Graph graph, const std::string& where);

}  // namespace shiftsim::quantizer
