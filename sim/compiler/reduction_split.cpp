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

std::vector<ReductionPiece> split_reduction(const LayerView& view, const Geometry& g, bool act_split) {
  const auto holds = [&](int rows, int taps, int words) {
    const ReductionPiece piece{0, rows, 0, taps, 0, words};
    const int tap_steps = words == view.words ? steps_of_tap(view, g) : words * g.sub_blocks();
    const bool activations = !act_split || piece.rows(view) * piece.cols(view) * words <= g.act_depth;
    return activations && std::int64_t{rows} * taps * tap_steps <= g.wgt_depth / 2;
  };
  const auto largest = [](int size, const auto& fits) {
    while (size > 0 && !fits(size)) --size;
    return size;
  };
  std::vector<ReductionPiece> pieces;
  // Whole rows of the kernel.
  const int rows = largest(view.kernel_h, [&](int n) { return holds(n, view.kernel_w, view.words); });
  if (rows > 0) {
    for (int ky = 0; ky < view.kernel_h; ky += rows)
      pieces.push_back({ky, std::min(rows, view.kernel_h - ky), 0, view.kernel_w, 0, view.words});
    return pieces;
  }
  // Whole taps, or parts of a tap's channels.
  const int taps = std::max(1, largest(view.kernel_w, [&](int n) { return holds(1, n, view.words); }));
  const int words = std::max(1, largest(view.words, [&](int n) { return holds(1, taps, n); }));
  for (int ky = 0; ky < view.kernel_h; ++ky)
    for (int kx = 0; kx < view.kernel_w; kx += taps)
      for (int word = 0; word < view.words; word += words)
        pieces.push_back({ky, 1, kx, std::min(taps, view.kernel_w - kx), word, std::min(words, view.words - word)});
  return pieces;
}

}  // namespace shiftsim::sim
