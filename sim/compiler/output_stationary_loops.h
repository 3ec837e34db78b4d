// The loops around the tiles of an output-stationary layer: in which order tiles come, and which of them a load serves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"

namespace shiftsim::sim {

/// Tiles of the output of all images, each with all its channels.
std::int64_t place_count(const LayerTask& task, const Tiling& tiling);

/// One tile of the output: where it begins, the channel tile, and which loads of activations and of weights it works
/// on, numbered in their order.
struct TileItem {
  Place place;
  int tile = 0;
  std::size_t act = 0, weights = 0;
  // Whether it is the first and the last to use them.
  bool first_of_act = false, last_of_act = false, first_of_weights = false, last_of_weights = false;
};

/// All tiles of the layer in their order. What the outer loop holds, one or two tiles or blocks at a time, is loaded
/// once; what the inner loop takes is loaded anew for each turn of the outer.
std::vector<TileItem> tile_items(const LayerTask& task, const Mapping& mapping);

}  // namespace shiftsim::sim
