// A reduction whose weights do not fit the scratchpad, cut into pieces that do.
#pragma once

#include <vector>

#include "sim/compiler/layer_view.h"

namespace shiftsim::sim {

/// A box of the reduction: taps of the kernel, and words of each tap's channels.
struct ReductionPiece {
  int ky = 0, ky_n = 1, kx = 0, kx_n = 1, word = 0, words = 1;

  bool to_last_word(const LayerView& view) const { return word + words == view.words; }
  /// Rows and columns of the input that its taps span.
  int rows(const LayerView& view) const { return (ky_n - 1) * view.dilation_h + 1; }
  int cols(const LayerView& view) const { return (kx_n - 1) * view.dilation_w + 1; }
  /// The layer's steps that the piece covers, in the order in which the array takes them.
  std::vector<int> steps(const LayerView& view, const Geometry& g) const;
};

/// Pieces whose weights fit half the scratchpad twice: a plane's words, and those of the next plane, from which the
/// carries come. With 'act_split' one pixel's activations of a piece fit half a bank, too.
std::vector<ReductionPiece> split_reduction(const LayerView& view, const Geometry& g, bool act_split);

}  // namespace shiftsim::sim
