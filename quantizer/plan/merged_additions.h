// Which additions of a graph become the residual of a convolution.
#pragma once

#include <vector>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// An addition is merged into a convolution that computes one of its operands, that nobody else reads and that has no
/// activation function. Of two it is the one with more weights to a sum, then the last: these weights are smaller, and
/// so is the accumulator's step, to which the residual is rounded. (The copy that a shortcut without weights is made of
/// has a step as coarse as its input's.)
class MergedAdditions {
public:
  MergedAdditions(const Graph& graph, const std::vector<std::vector<int>>& readers);

  /// Nodes; -1 none.
  int addition_of(int conv) const { return addition_[static_cast<std::size_t>(conv)]; }
  int conv_of(int addition) const { return conv_[static_cast<std::size_t>(addition)]; }

private:
  std::vector<int> addition_, conv_;  ///< by node
};

}  // namespace shiftsim::quantizer
