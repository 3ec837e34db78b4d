#include "sim/compiler/tiling.h"

#include <algorithm>

namespace shiftsim::sim {
namespace {

// What the fields of the commands hold (docs/hardware.md, "Commands").
constexpr int kMax16Bits = (1 << 16) - 1, kMaxSigned16Bits = (1 << 15) - 1, kMax24Bits = (1 << 24) - 1;

}  // namespace

Tiling measure_tiling(const LayerView& view, const Geometry& g, int rows, int cols) {
  Tiling t;
  t.rows = rows;
  t.cols = cols;
  t.seg = ceil_div(rows * cols, g.pixels);
  t.in_rows = (rows - 1) * view.stride_h + view.halo_h();
  t.in_cols = (cols - 1) * view.stride_w + view.halo_w();
  t.row_words = t.in_cols * view.words;
  int spanned = 1;  // output rows that the slot with the most of them reaches
  for (int first = 0; first < rows * cols; first += t.seg) {
    const int last = std::min(first + t.seg, rows * cols) - 1;
    spanned = std::max(spanned, last / cols - first / cols + 1);
  }
  t.window = ((spanned - 1) * view.stride_h + view.halo_h()) * t.row_words;
  return t;
}

bool reaches_next_image(const LayerView& view) {
  return std::int64_t{view.halo_h()} * view.halo_w() * view.words <= kMaxSigned16Bits;
}

bool fits(const LayerView& view, const Geometry& g, const Tiling& t, bool has_residual) {
  const bool scratchpads = t.window <= g.act_depth && t.pixels() * view.words_per_output() <= g.out_depth &&
                           (!has_residual || t.pixels() <= g.res_depth);
  const bool fields = t.pixels() <= kMax16Bits && view.stride_h * t.row_words <= kMaxSigned16Bits &&
                      (t.cols + 1) * view.stride_w * view.words <= kMaxSigned16Bits &&
                      static_cast<std::int64_t>(t.in_rows) * t.row_words <= kMax24Bits;
  return scratchpads && fields;
}

}  // namespace shiftsim::sim
