#include "sim/compiler/output_stationary.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/error.h"
#include "sim/compiler/output_stationary_emitter.h"
#include "sim/compiler/output_stationary_workload.h"

namespace shiftsim::sim {
namespace {

/// Why no tile fits.
[[noreturn]] void too_small(const LayerTask& task) {
  const Geometry& g = task.geometry;
  const LayerView& view = task.view;
  const Tiling least = measure_tiling(view, g, 1, 1);
  const auto kib = [](std::int64_t words, std::int64_t bits) {
    return ceil_div<std::int64_t>(2 * words * bits, 8 * 1024);
  };
  const qnet::Layer& layer = task.layer();
  const std::string name = fmt::format("layer {} ({}x{}x{}, kernel {}x{})", layer.name, task.out().height,
                                       task.out().width, task.out().channels, layer.kernel_h, layer.kernel_w);
  if (g.ppu_beats() > g.tab_depth)
    fail("{}: scratchpad.table_kib is too small for any tile: it must be at least {} KiB", name,
         kib(g.ppu_beats(), g.tab_word_bits()));
  if (least.window > g.act_depth)
    fail("{}: scratchpad.activation_kib is too small for any tile: {} KiB, it must be at least {} KiB", name,
         task.accelerator.scratchpad.activation_kib, kib(least.window, 8L * g.channels * g.pixels));
  if (view.words_per_output() > g.out_depth)
    fail("{}: scratchpad.output_kib is too small for any tile: it must be at least {} KiB", name,
         kib(view.words_per_output(), 8L * g.channels));
  fail("{}: too large for the address fields of the hardware's commands", name);
}

/// Whether the smaller tiles at the lower and right edge fit, too. A tile of fewer pixels has shorter slots, and one of
/// them may reach over more rows than any of the whole tile's.
bool edges_fit(const LayerTask& task, const Tiling& whole) {
  const auto rest = [](int size, int step) { return size % step == 0 ? step : size % step; };
  const int rows = rest(task.map_rows(), whole.rows), cols = rest(task.out().width, whole.cols);
  for (const auto& [edge_rows, edge_cols] : {std::pair{rows, whole.cols}, {whole.rows, cols}, {rows, cols}})
    if (!fits(task.view, task.geometry, measure_tiling(task.view, task.geometry, edge_rows, edge_cols),
              task.has_residual()))
      return false;
  return true;
}

/// Channel tiles whose weights and tables half the scratchpads hold together; 0: not even those of one.
int largest_block(const LayerTask& task, bool k_split) {
  const Geometry& g = task.geometry;
  int block = g.tab_depth / g.ppu_beats();
  if (task.has_weights()) block = k_split ? std::min(block, 1) : std::min(block, g.wgt_depth / task.weight_words());
  return std::min(block, task.channel_tiles());
}

bool needs_split(const LayerTask& task) {
  return task.has_weights() && task.weight_words() > task.geometry.wgt_depth;
}

/// The sizes that split 'size' into 1, 2, 3 ... pieces, each size once: the larger ones first.
std::vector<int> even_parts(int size) {
  std::vector<int> parts;
  for (int pieces = 1; pieces <= size; ++pieces)
    if (const int part = ceil_div(size, pieces); parts.empty() || part < parts.back()) parts.push_back(part);
  return parts;
}

/// Whether not even one pixel's window fits a bank, but its parts do.
bool needs_act_split(const LayerTask& task) {
  const Tiling pixel = measure_tiling(task.view, task.geometry, 1, 1);
  return pixel.window > task.geometry.act_depth && !task.view.im2row;
}

bool tiling_fits(const LayerTask& task, const Tiling& t, const Mapping& tile) {
  if (tile.act_split) {
    // One pixel of every image that the tile has.
    if (t.pixels() > task.images(t) || t.seg > 1) return false;
    Tiling piece = t;
    piece.window = 1;  // of any size that a piece may have
    return fits(task.view, task.geometry, piece, task.has_residual());
  }
  // Split along the reduction, a command computes one pixel per slot.
  if (tile.k_split && t.seg > 1) return false;
  return fits(task.view, task.geometry, t, task.has_residual()) && edges_fit(task, t);
}

/// A size that the user has fixed, or all even parts.
std::vector<int> sizes(int fixed, int size) {
  return fixed > 0 ? std::vector<int>{std::min(fixed, size)} : even_parts(size);
}

/// Blocks of channel tiles and loops around a tile. Where one block is all, or one tile, there is one order.
std::vector<Mapping> loops_around(const LayerTask& task, const Mapping& tile, std::int64_t places,
                                  const FixedMapping& fixed) {
  const int tiles = task.channel_tiles(), largest = largest_block(task, tile.k_split);
  std::vector<Mapping> result;
  for (const int block : sizes(fixed.block, tiles)) {
    if (block > largest) continue;
    const bool orders = block < tiles && places > 1;
    const auto add = [&](bool weights_outer, int most_held) {
      if (orders && !fixed.outer.empty() && weights_outer != (fixed.outer == "weights")) return;
      for (int held = 1; held <= most_held; ++held)
        if (!orders || fixed.held == 0 || fixed.held == held)
          result.push_back({tile.tiling, block, weights_outer, held, tile.k_split, tile.act_split});
    };
    // Weights of a split reduction are loaded for each tile anyway.
    const int most = orders && !tile.k_split ? 2 : 1;
    add(true, most);
    if (orders) add(false, task.view.shared_input ? most : 1);
  }
  return result;
}

}  // namespace

void OutputStationaryMapper::visit_candidates(const LayerTask& task, const FixedMapping& fixed,
                                              const Visitor& visit) const {
  Mapping tile;
  tile.act_split = needs_act_split(task);
  tile.k_split = tile.act_split || needs_split(task);
  if (largest_block(task, tile.k_split) < 1) too_small(task);
  bool any = false;
  for (const int cols : sizes(fixed.cols, task.out().width))
    for (const int rows : sizes(fixed.rows, task.map_rows())) {
      tile.tiling = measure_tiling(task.view, task.geometry, rows, cols);
      if (!tiling_fits(task, tile.tiling, tile)) continue;
      any = true;
      const TilingWorkload workload(task, tile.tiling, tile.act_split);
      for (const Mapping& mapping : loops_around(task, tile, workload.places(), fixed))
        visit(mapping, workload.of(mapping));
    }
  if (!any && fixed == FixedMapping{}) too_small(task);
}

Workload OutputStationaryMapper::workload(const LayerTask& task, const Mapping& mapping) const {
  return TilingWorkload(task, mapping.tiling, mapping.act_split).of(mapping);
}

void OutputStationaryMapper::emit(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program) const {
  OutputStationaryEmitter(task, mapping, program).emit();
}

}  // namespace shiftsim::sim
