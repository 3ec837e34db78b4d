#include "sim/compiler/reduction_split.h"

#include <algorithm>

namespace shiftsim::sim {
namespace {

int steps_of_tap(const LayerView& view, const Geometry& g) {
  return (view.words - 1) * g.sub_blocks() + view.sub_last;
}

}  // namespace

std::vector<int> ReductionPiece::steps(const LayerView& view, const Geometry& g) const {
  const int tap_steps = steps_of_tap(view, g);
  const int end = to_last_word(view) ? tap_steps : (word + words) * g.sub_blocks();
  std::vector<int> result;
  for (int y = ky; y < ky + ky_n; ++y)
    for (int x = kx; x < kx + kx_n; ++x)
      for (int s = word * g.sub_blocks(); s < end; ++s) result.push_back((y * view.kernel_w + x) * tap_steps + s);
  return result;
}

std::vector<ReductionPiece> split_reduction(const LayerView& view, const Geometry& g) {
  const int limit = g.wgt_depth / 2;
  const int tap_steps = steps_of_tap(view, g);
  std::vector<ReductionPiece> pieces;
  if (view.kernel_w * tap_steps <= limit) {
    // Whole rows of the kernel.
    const int rows = limit / (view.kernel_w * tap_steps);
    for (int ky = 0; ky < view.kernel_h; ky += rows)
      pieces.push_back({ky, std::min(rows, view.kernel_h - ky), 0, view.kernel_w, 0, view.words});
    return pieces;
  }
  // Whole taps, or parts of a tap's channels.
  const bool whole_taps = tap_steps <= limit;
  const int taps = whole_taps ? limit / tap_steps : 1;
  const int words = whole_taps ? view.words : std::max(1, std::min(view.words, limit / g.sub_blocks()));
  for (int ky = 0; ky < view.kernel_h; ++ky)
    for (int kx = 0; kx < view.kernel_w; kx += taps)
      for (int word = 0; word < view.words; word += words)
        pieces.push_back({ky, 1, kx, std::min(taps, view.kernel_w - kx), word, std::min(words, view.words - word)});
  return pieces;
}

}  // namespace shiftsim::sim
