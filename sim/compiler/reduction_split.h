// A reduction whose weights do not fit the scratchpad, cut into pieces that do.
#pragma once

#include <vector>

#include "sim/compiler/layer_view.h"

namespace shiftsim::sim {

/// A box of the reduction: taps of the kernel, and words of each tap's channels.
struct ReductionPiece {
  int ky = 0, ky_n = 1, kx = 0, kx_n = 1, word = 0, words = 1;

  bool to_last_word(const LayerView& view) const { return word + words == view.words; }
  /// The layer's steps that the piece covers, in the order in which the array takes them.
  std::vector<int> steps(const LayerView& view, const Geometry& g) const;
};

/// Pieces whose weights fit half the scratchpad twice: a plane's words, and those of the next plane, from which the
/// carries come.
std::vector<ReductionPiece> split_reduction(const LayerView& view, const Geometry& g);

}  // namespace shiftsim::sim
