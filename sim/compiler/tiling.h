// An output tile of a layer: its measures in the scratchpads, and whether they hold it.
#pragma once

#include "sim/compiler/layer_view.h"

namespace shiftsim::sim {

struct Tiling {
  int rows = 1, cols = 1;        ///< output pixels
  int seg = 1;                   ///< output pixels of each of the P slots
  int in_rows = 1, in_cols = 1;  ///< input pixels, padding included
  int row_words = 1;             ///< activation words of an input row
  int window = 1;                ///< activation words that a bank captures

  int pixels() const { return rows * cols; }
  int in_words() const { return in_rows * row_words; }

  friend bool operator==(const Tiling&, const Tiling&) = default;
};

/// Where a tile of the output begins.
struct Place {
  int image = 0;  ///< of the batch
  int y0 = 0, x0 = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

Tiling measure_tiling(const LayerView& view, const Geometry& g, int rows, int cols);

/// Whether the commands' address fields reach from one image to the next, where the view stacks them.
bool reaches_next_image(const LayerView& view);

/// Whether half of each scratchpad holds the tile, and the commands' address fields reach it.
bool fits(const LayerView& view, const Geometry& g, const Tiling& t, bool has_residual);

}  // namespace shiftsim::sim
