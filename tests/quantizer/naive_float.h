// The graph's meaning in plain double loops: what the float engine and simplify() are compared with.
#pragma once

#include <vector>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Every node's output [height][width][channels] for one image of normalized pixels. All node kinds, also those that
/// simplify() removes.
std::vector<std::vector<double>> naive_run(const Graph& graph, const std::vector<double>& image);

}  // namespace shiftsim::quantizer
