#include "sim/compiler/output_stationary_loops.h"

#include <algorithm>
#include <utility>

namespace shiftsim::sim {
namespace {

/// Of all tiles of the output, image by image.
std::vector<Place> places(const LayerTask& task, const Tiling& tiling) {
  std::vector<Place> result;
  for (int map = 0; map < task.maps(); ++map)
    for (int row = 0; row < task.map_rows(); row += tiling.rows)
      for (int col = 0; col < task.out().width; col += tiling.cols) result.push_back(task.place(map, row, col));
  return result;
}

/// Takes up tiles block by block, and numbers the loads that they need.
class ItemList {
public:
  ItemList(const LayerTask& task, const Mapping& mapping) : task_(task), mapping_(mapping) {}

  /// The channel tiles of a block at one place; 'load': number of the load of their weights.
  void add_block(const Place& place, std::size_t place_number, std::size_t block, std::size_t load);
  /// All items, once all have been added.
  std::vector<TileItem> take();

private:
  bool continues_last_act(const Place& place, int tile) const;

  const LayerTask& task_;
  const Mapping& mapping_;
  std::vector<TileItem> items_;
  std::size_t acts_ = 0, blocks_ = 0;  ///< loads so far
};

/// Whether the load of activations before serves this item, too: the same place and input channels.
bool ItemList::continues_last_act(const Place& place, int tile) const {
  if (items_.empty()) return false;
  const TileItem& last = items_.back();
  const ChannelTile &a = task_.channel_tile(last.tile), &b = task_.channel_tile(tile);
  return last.place == place && a.in0 == b.in0 && a.in_channels == b.in_channels;
}

void ItemList::add_block(const Place& place, std::size_t place_number, std::size_t block, std::size_t load) {
  const bool held_places = !mapping_.weights_outer && mapping_.held > 1;
  const int first = static_cast<int>(block) * mapping_.block;
  for (int tile = first; tile < std::min(first + mapping_.block, task_.channel_tiles()); ++tile) {
    const std::size_t act = held_places ? place_number : continues_last_act(place, tile) ? acts_ - 1 : acts_;
    TileItem item{place, tile, act, load};
    item.first_of_act = act == acts_;
    item.first_of_weights = load == blocks_;
    if (item.first_of_act) ++acts_;
    if (item.first_of_weights) ++blocks_;
    items_.push_back(item);
  }
}

std::vector<TileItem> ItemList::take() {
  std::vector<bool> later_act(acts_), later_weights(blocks_);
  for (std::size_t i = items_.size(); i-- > 0;) {
    TileItem& item = items_[i];
    item.last_of_act = !later_act[item.act];
    item.last_of_weights = !later_weights[item.weights];
    later_act[item.act] = true;
    later_weights[item.weights] = true;
  }
  return std::move(items_);
}

}  // namespace

std::int64_t place_count(const LayerTask& task, const Tiling& tiling) {
  return std::int64_t{task.maps()} * ceil_div(task.map_rows(), tiling.rows) * ceil_div(task.out().width, tiling.cols);
}

std::vector<TileItem> tile_items(const LayerTask& task, const Mapping& mapping) {
  const std::vector<Place> all = places(task, mapping.tiling);
  const auto held = static_cast<std::size_t>(mapping.held);
  const auto blocks = static_cast<std::size_t>(ceil_div(task.channel_tiles(), mapping.block));
  ItemList items(task, mapping);
  if (mapping.weights_outer) {
    for (std::size_t group = 0; group < blocks; group += held)
      for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t block = group; block < std::min(group + held, blocks); ++block)
          items.add_block(all[i], i, block, block);
    return items.take();
  }
  std::size_t load = 0;
  for (std::size_t group = 0; group < all.size(); group += held) {
    for (std::size_t block = 0; block < blocks; ++block) {
      for (std::size_t i = group; i < std::min(group + held, all.size()); ++i) items.add_block(all[i], i, block, load);
      // An only block stays for the next tiles of the output, too.
      if (blocks > 1) ++load;
    }
  }
  return items.take();
}

}  // namespace shiftsim::sim
