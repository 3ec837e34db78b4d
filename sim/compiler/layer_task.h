// A layer to be mapped, with all that a mapper needs to know of it.
#pragma once

#include <algorithm>

#include "qnet/network.h"
#include "sim/compiler/dram_layout.h"
#include "sim/compiler/layer_view.h"
#include "sim/compiler/tiling.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

struct LayerTask {
  const qnet::Network& network;
  const AcceleratorConfig& accelerator;
  Geometry geometry;  ///< of the accelerator's core
  int index = 0;      ///< of the layer in the network
  LayerView view;
  const DramLayout& dram;  ///< where the tensors stand
  bool alone = false;      ///< the layer is run by itself: no layer before it stores what it reads

  const qnet::Layer& layer() const { return network.layers[static_cast<std::size_t>(index)]; }
  const qnet::Tensor& in() const { return network.in(layer()); }
  const qnet::Tensor& out() const { return network.out(layer()); }
  bool is_last() const { return index + 1 == static_cast<int>(network.layers.size()); }
  bool has_residual() const { return layer().residual >= 0; }
  bool has_table() const { return layer().has_table(); }
  /// A maximum needs none.
  bool has_weights() const { return view.mode != Mode::kMax; }
  int channel_tiles() const { return static_cast<int>(view.tiles.size()); }
  const ChannelTile& channel_tile(int tile) const { return view.tiles[static_cast<std::size_t>(tile)]; }
  /// Words of the weight scratchpad that a channel tile fills.
  int weight_words() const { return view.planes * view.steps; }

  /// Maps of the output that tiles are cut from: one an image, or one of all images where the view stacks them.
  int maps() const { return view.stacked ? 1 : dram.batch(); }
  int map_rows() const { return view.stacked ? dram.batch() : out().height; }
  Place place(int map, int row, int col) const { return view.stacked ? Place{row, 0, col} : Place{map, row, col}; }
  /// The tile that begins there: 'whole', or what is left of it at the lower or right edge.
  Tiling tiling_at(const Tiling& whole, const Place& at) const {
    const int row = view.stacked ? at.image : at.y0;
    return measure_tiling(view, geometry, std::min(whole.rows, map_rows() - row),
                          std::min(whole.cols, out().width - at.x0));
  }
  /// Images that a tile has pixels of, and its output rows of each.
  int images(const Tiling& t) const { return view.stacked ? t.rows : 1; }
  int rows_an_image(const Tiling& t) const { return t.rows / images(t); }
};

}  // namespace shiftsim::sim
