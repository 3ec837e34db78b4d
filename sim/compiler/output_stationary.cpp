#include "sim/compiler/output_stationary.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "sim/compiler/output_stationary_emitter.h"
#include "sim/compiler/read_bursts.h"
#include "sim/compiler/tile_reads.h"

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

/// Loads of activations for one place of the output: consecutive channel tiles of the same input channels share one.
int activation_loads(const LayerTask& task, const Mapping& mapping, bool several_places) {
  int loads = 1;
  for (int tile = 1; tile < task.channel_tiles(); ++tile) {
    const bool same_input = task.channel_tile(tile).in0 == task.channel_tile(tile - 1).in0;
    // Between two blocks of weights come the other places.
    const bool new_block = mapping.weights_outer && several_places && tile % mapping.block == 0;
    if (!same_input || new_block) ++loads;
  }
  return loads;
}

/// How many channel tiles, from the first on, stand for all in their bursts. The first is a full one, and enough. In a
/// grouped convolution it takes those up to the next group that begins with a block of DRAM.
int typical_tiles(const LayerTask& task) {
  if (task.view.mode != Mode::kConv || task.view.shared_input) return 1;
  const int n = task.geometry.channels;
  for (int tile = 1; tile < task.channel_tiles(); ++tile) {
    const ChannelTile& next = task.channel_tile(tile);
    if (next.in0 != task.channel_tile(tile - 1).in0 && next.in0 % n == 0 && next.k0 % n == 0) return tile;
  }
  return task.channel_tiles();
}

/// Whether the smaller tiles at the lower and right edge fit, too. A tile of fewer pixels has shorter slots, and one of
/// them may reach over more rows than any of the whole tile's.
bool edges_fit(const LayerTask& task, const Tiling& whole) {
  const auto rest = [](int size, int step) { return size % step == 0 ? step : size % step; };
  const int rows = rest(task.out().height, whole.rows), cols = rest(task.out().width, whole.cols);
  for (const auto& [edge_rows, edge_cols] : {std::pair{rows, whole.cols}, {whole.rows, cols}, {rows, cols}})
    if (!fits(task.view, task.geometry, measure_tiling(task.view, task.geometry, edge_rows, edge_cols),
              task.has_residual()))
      return false;
  return true;
}

}  // namespace

std::vector<Mapping> OutputStationaryMapper::candidates(const LayerTask& task) const {
  const Geometry& g = task.geometry;
  Mapping mapping;
  mapping.k_split = task.has_weights() && task.weight_words() > g.wgt_depth;
  mapping.block = g.tab_depth / g.ppu_beats();
  if (task.has_weights())
    mapping.block = mapping.k_split ? 1 : std::min(mapping.block, g.wgt_depth / task.weight_words());
  if (mapping.block < 1) too_small(task);
  mapping.block = std::min(mapping.block, task.channel_tiles());

  std::vector<Mapping> result;
  for (int cols = task.out().width;; cols = ceil_div(cols, 2)) {
    for (int rows = 1; rows <= task.out().height; ++rows) {
      mapping.tiling = measure_tiling(task.view, g, rows, cols);
      // Split along the reduction, a command computes one pixel per slot.
      if (mapping.k_split && mapping.tiling.seg > 1) break;
      if (!fits(task.view, g, mapping.tiling, task.has_residual())) break;
      if (!edges_fit(task, mapping.tiling)) continue;
      for (const bool weights_outer : {false, true}) {
        mapping.weights_outer = weights_outer;
        result.push_back(mapping);
      }
    }
    if (cols == 1) break;
  }
  if (result.empty()) too_small(task);
  return result;
}

Workload OutputStationaryMapper::workload(const LayerTask& task, const Mapping& mapping) const {
  const Geometry& g = task.geometry;
  const LayerView& view = task.view;
  const Tiling& t = mapping.tiling;
  const qnet::Tensor& out = task.out();
  const double places = static_cast<double>(ceil_div(out.height, t.rows)) * ceil_div(out.width, t.cols);
  const double channel_tiles = task.channel_tiles();
  const double blocks = ceil_div(task.channel_tiles(), mapping.block);

  // A tile with others on all sides stands for all.
  const int y0 = out.height / t.rows / 2 * t.rows, x0 = out.width / t.cols / 2 * t.cols;
  const int tiles_read = typical_tiles(task);
  const auto tile_bytes = [&](auto read_of_tile) {
    std::int64_t bytes = 0;
    for (int tile = 0; tile < tiles_read; ++tile)
      bytes += read_bursts(read_of_tile(task, t, y0, x0, tile), task.network, task.dram).bytes();
    return static_cast<double>(bytes) / tiles_read;
  };
  const auto word_bytes = [&](double words, int bits) {
    BurstList bursts(task.dram.burst_bytes());
    bursts.add(0, ceil_div<std::int64_t>(static_cast<std::int64_t>(words) * bits, 8));
    return static_cast<double>(bursts.bytes());
  };

  Workload w;
  w.drain_cycles = g.pixels * g.ppu_beats() * view.words_per_output();
  w.compute_cycles = places * channel_tiles * (2 + t.seg * std::max<double>(task.weight_words(), w.drain_cycles));

  w.activations.words = t.in_words();
  w.activations.dram_bytes = tile_bytes(activation_read);
  w.activations.overhead_cycles = g.pixels + 2;  // the slots' walk
  w.activations.count = places * activation_loads(task, mapping, places > 1);

  const double tiles_a_block = std::min<double>(mapping.block, channel_tiles);
  w.tables.words = tiles_a_block * g.ppu_beats();
  w.tables.dram_bytes = word_bytes(w.tables.words, g.tab_word_bits());
  w.tables.count = mapping.weights_outer || blocks == 1 ? blocks : blocks * places;
  if (task.has_weights()) {
    w.weights.words = tiles_a_block * task.weight_words();
    w.weights.dram_bytes = word_bytes(w.weights.words, g.wgt_word_bits());
    // Split along the reduction, each plane comes with the next, from which its carries come.
    w.weights.count = mapping.k_split ? 2 * places * channel_tiles : w.tables.count;
  }

  w.stores.count = places * channel_tiles;
  w.stores.words = t.pixels() * view.words_per_output();
  w.stores.dram_bytes = tile_bytes(output_area);
  if (task.has_residual()) {
    w.residuals = w.stores;
    w.residuals.dram_bytes = tile_bytes(residual_read);
  }
  return w;
}

void OutputStationaryMapper::emit(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program) const {
  OutputStationaryEmitter(task, mapping, program).emit();
}

}  // namespace shiftsim::sim
