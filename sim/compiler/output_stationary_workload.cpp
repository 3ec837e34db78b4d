#include "sim/compiler/output_stationary_workload.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "sim/compiler/command_events.h"
#include "sim/compiler/command_shape.h"
#include "sim/compiler/output_stationary_loops.h"
#include "sim/compiler/read_bursts.h"
#include "sim/compiler/reduction_split.h"
#include "sim/compiler/tile_commands.h"
#include "sim/compiler/tile_reads.h"

namespace shiftsim::sim {
namespace {

struct Range {
  int first, count;
};

/// [0, size) in pieces of 'step'; the last may be shorter.
std::vector<Range> ranges(int size, int step) {
  std::vector<Range> result;
  for (int first = 0; first < size; first += step) result.push_back({first, std::min(step, size - first)});
  return result;
}

std::int64_t words_bytes(std::int64_t words, int bits, int burst_bytes) {
  return ceil_div(ceil_div<std::int64_t>(words * bits, 8), std::int64_t{burst_bytes}) * burst_bytes;
}

/// Different loads of activations among the channel tiles: consecutive tiles of the same input channels share one.
/// 'tiles_a_pass': between so many tiles come the other places, so that nothing is shared. First tile of each.
std::vector<int> input_runs(const LayerTask& task, int tiles_a_pass) {
  std::vector<int> runs;
  for (int tile = 0; tile < task.channel_tiles(); ++tile)
    if (tile == 0 || task.channel_tile(tile).in0 != task.channel_tile(tile - 1).in0 || tile % tiles_a_pass == 0)
      runs.push_back(tile);
  return runs;
}

/// Sums 'value_of' over ranges, of which all but the first and the last are like the middle one.
template <typename ValueOf>
std::int64_t sum_of(const std::vector<Range>& all, const ValueOf& value_of) {
  const std::size_t n = all.size();
  std::int64_t sum = value_of(all.front());
  if (n > 1) sum += value_of(all.back());
  if (n > 2) sum += static_cast<std::int64_t>(n - 2) * value_of(all[n / 2]);
  return sum;
}

/// Bytes of the bursts that 'read_of' gives for all places. Those of one image are like those of every other.
template <typename ReadOf>
std::int64_t bytes_of_places(const LayerTask& task, const Tiling& tiling, const ReadOf& read_of) {
  const std::vector<Range> strips = ranges(task.out().width, tiling.cols);
  return task.maps() * sum_of(ranges(task.map_rows(), tiling.rows), [&](const Range& band) {
           return sum_of(strips, [&](const Range& strip) {
             const Tiling t = measure_tiling(task.view, task.geometry, band.count, strip.count);
             return read_bytes(read_of(t, task.place(0, band.first, strip.first)), task.network, task.dram);
           });
         });
}

/// Sums 'value_of' over channel tiles, of which some stand for others in their bursts. A full tile stands for all but
/// the last one. In a grouped convolution those up to the next group that begins with a block of DRAM stand for all.
template <typename ValueOf>
std::int64_t sum_of_tiles(const LayerTask& task, const std::vector<int>& tiles, const ValueOf& value_of) {
  const std::size_t count = tiles.size();
  if (task.view.mode != Mode::kConv || task.view.shared_input) {
    std::int64_t sum = value_of(tiles.back());
    if (count > 1) {
      const bool same = task.channel_tile(tiles.back()).channels == task.channel_tile(tiles.front()).channels;
      sum += static_cast<std::int64_t>(count - 1) * (same ? sum : value_of(tiles.front()));
    }
    return sum;
  }
  const int n = task.geometry.channels;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const ChannelTile& tile = task.channel_tile(tiles[i]);
    if (i > 0 && count % i == 0 && tile.in0 % n == 0 && tile.k0 % n == 0 &&
        tile.in0 != task.channel_tile(tiles[i - 1]).in0)
      return sum * static_cast<std::int64_t>(count / i);
    sum += value_of(tiles[i]);
  }
  return sum;
}

}  // namespace

TilingWorkload::TilingWorkload(const LayerTask& task, const Tiling& tiling, bool act_split)
    : task_(task), tiling_(tiling) {
  const qnet::Tensor& out = task.out();
  const std::int64_t maps = task.maps();
  const int full_rows = task.map_rows() / tiling.rows, full_cols = out.width / tiling.cols;
  const int rest_rows = task.map_rows() % tiling.rows, rest_cols = out.width % tiling.cols;
  places_ = place_count(task, tiling);
  add_tiles(tiling.rows, tiling.cols, maps * full_rows * full_cols, act_split);
  if (rest_cols > 0) add_tiles(tiling.rows, rest_cols, maps * full_rows, act_split);
  if (rest_rows > 0) add_tiles(rest_rows, tiling.cols, maps * full_cols, act_split);
  if (rest_rows > 0 && rest_cols > 0) add_tiles(rest_rows, rest_cols, maps, act_split);

  std::vector<int> tiles(static_cast<std::size_t>(task.channel_tiles()));
  std::iota(tiles.begin(), tiles.end(), 0);
  const std::vector<int> runs = input_runs(task, task.channel_tiles());
  const auto bytes_of = [&](const std::vector<int>& of, auto read_of) {
    const auto bytes_of_tile = [&](int tile) {
      return bytes_of_places(task, tiling,
                             [&](const Tiling& t, const Place& at) { return read_of(task, t, at, tile); });
    };
    // What a view reads for one tile says nothing about another one.
    if (task.dram.sources().is_view(read_of(task, tiling, Place{}, of.front()).tensor))
      return std::transform_reduce(of.begin(), of.end(), std::int64_t{0}, std::plus<>(), bytes_of_tile);
    return sum_of_tiles(task, of, bytes_of_tile);
  };
  const int burst = task.dram.burst_bytes();
  const std::int64_t stored = bytes_of(tiles, output_area);
  add_write(task.dram.level(task.layer().output), stored, burst, tile_events_);
  if (task.has_residual())
    add_read(task.dram.level(task.layer().residual), bytes_of(tiles, residual_read), burst, tile_events_);
  act_bytes_ = act_split ? split_activation_bytes() : bytes_of(runs, activation_read);

  const auto bandwidth = [&](int tensor) -> double {
    const bool on_chip = task.dram.level(tensor) == MemoryLevel::kL2;
    return on_chip ? task.accelerator.l2.bytes_per_cycle : task.accelerator.dram.bytes_per_cycle;
  };
  const double places = static_cast<double>(places_);
  const double act_bytes = static_cast<double>(act_bytes_) / places / static_cast<double>(runs.size());
  lead_cycles_ = std::max<double>(tiling.in_words() + task.geometry.pixels, act_bytes / bandwidth(task.layer().input));
  if (task.has_residual()) lead_cycles_ += tiling.pixels();
  const double store_bytes = static_cast<double>(stored) / places / static_cast<double>(tiles.size());
  const std::int64_t drain = beats_of(tile_compute(task, tiling), task.geometry);
  tail_cycles_ = static_cast<double>(drain) + std::max<double>(tiling.pixels() * task.view.words_per_output(),
                                                               store_bytes / bandwidth(task.layer().output));
}

void TilingWorkload::add_activations(const Tiling& t, std::int64_t count) {
  const Geometry& g = task_.geometry;
  add_events(activation_load(task_.view, t), g, count, act_events_);
  // The slots' walk, and a cycle to begin.
  act_cycles_ += static_cast<double>(count * (t.in_words() + g.pixels + 1));
}

void TilingWorkload::add_split_activations(const Tiling& t, std::int64_t count) {
  const Geometry& g = task_.geometry;
  const std::int64_t loads = count * task_.view.planes;
  for (const ReductionPiece& piece : split_reduction(task_.view, g, true)) {
    const LoadCommand load = piece_load(task_.view, piece, task_.images(t));
    add_events(load, g, loads, act_events_);
    act_cycles_ += static_cast<double>(loads * (load.count + static_cast<std::uint32_t>(g.pixels) + 1));
  }
}

/// Of each pixel by itself: images share no bursts. Windows at the edges of the map read less than is taken here.
std::int64_t TilingWorkload::split_activation_bytes() const {
  const qnet::Tensor& out = task_.out();
  const Tiling pixel = measure_tiling(task_.view, task_.geometry, 1, 1);
  const Place middle{0, out.height / 2, out.width / 2};
  std::int64_t bytes = 0;
  for (const ReductionPiece& piece : split_reduction(task_.view, task_.geometry, true))
    bytes += read_bytes(piece_read(task_, pixel, piece, middle, task_.channel_tiles() / 2), task_.network, task_.dram);
  const std::int64_t pixels = std::int64_t{task_.dram.batch()} * out.height * out.width;
  return pixels * task_.view.planes * task_.channel_tiles() * bytes;
}

void TilingWorkload::add_tiles(int rows, int cols, std::int64_t count, bool act_split) {
  if (count == 0) return;
  const Geometry& g = task_.geometry;
  const Tiling t = measure_tiling(task_.view, g, rows, cols);
  const std::int64_t items = count * task_.channel_tiles();
  const ComputeCommand compute = tile_compute(task_, t);
  add_events(compute, g, items, tile_events_);
  // A command is taken up in a cycle; a pixel's sums are captured no faster than the PPU works off the last ones.
  const std::int64_t pixel_cycles = std::max(steps_of(compute, g), beats_of(compute, g));
  compute_cycles_ += static_cast<double>(items * (1 + t.seg * pixel_cycles));
  StoreCommand store;
  store.count = static_cast<std::uint32_t>(t.pixels() * task_.view.words_per_output());
  add_events(store, g, items, tile_events_);
  if (task_.has_residual()) {
    LoadCommand residual;
    residual.target = Target::kRes;
    residual.count = static_cast<std::uint32_t>(t.pixels());
    add_events(residual, g, items, tile_events_);
    residual_cycles_ += static_cast<double>(items * (t.pixels() + 1));
  }
  if (act_split)
    add_split_activations(t, count);
  else
    add_activations(t, count);
}

std::int64_t TilingWorkload::activation_loads(const Mapping& mapping) const {
  const bool interrupted = mapping.weights_outer && places_ > 1;
  const int tiles = task_.channel_tiles();
  return static_cast<std::int64_t>(
      input_runs(task_, interrupted ? std::min(tiles, mapping.block * mapping.held) : tiles).size());
}

/// How often all weights are loaded.
std::int64_t TilingWorkload::weight_passes(const Mapping& mapping) const {
  const bool once = mapping.weights_outer || mapping.block >= task_.channel_tiles();
  return once ? 1 : ceil_div<std::int64_t>(places_, mapping.held);
}

void TilingWorkload::add_weights(const Mapping& mapping, Workload& workload) const {
  const Geometry& g = task_.geometry;
  const int burst = task_.dram.burst_bytes(), tiles = task_.channel_tiles();
  const std::int64_t blocks = ceil_div(tiles, mapping.block), passes = weight_passes(mapping);
  const double bandwidth = task_.accelerator.dram.bytes_per_cycle;
  const bool has_copy = task_.dram.weight_room(task_.index).bytes > 0;
  // 'loads' of all the words together. 'times': that each of them is loaded.
  const auto add = [&](Target target, std::int64_t loads, std::int64_t words, int bits, std::int64_t times) {
    LoadCommand load;
    load.target = target;
    load.count = static_cast<std::uint32_t>(ceil_div(words, loads));
    add_events(load, g, loads * passes, workload.events);
    workload.load_cycles += static_cast<double>(passes * (words + loads));
    // The first block comes before the first activations.
    workload.lead_cycles += std::max(static_cast<double>(load.count),
                                     static_cast<double>(words_bytes(load.count, bits, burst)) / bandwidth);
    const std::int64_t bytes = passes * loads * words_bytes(ceil_div(words, loads), bits, burst);
    if (!has_copy || times == 1) {
      add_read(MemoryLevel::kDram, bytes, burst, workload.events);
      return;
    }
    // The first time they are copied into the second-level buffer, from which they come from then on.
    const std::int64_t once = bytes / times / burst * burst;
    add_read(MemoryLevel::kDram, once, burst, workload.events);
    add_write(MemoryLevel::kL2, once, burst, workload.events);
    add_read(MemoryLevel::kL2, bytes - once, burst, workload.events);
  };
  add(Target::kTab, blocks, std::int64_t{tiles} * g.ppu_beats(), g.tab_word_bits(), passes);
  if (task_.has_table()) add_lut(workload);
  if (!task_.has_weights()) return;
  const std::int64_t words = std::int64_t{tiles} * task_.weight_words();
  if (!mapping.k_split) {
    add(Target::kWgt, blocks, words, g.wgt_word_bits(), passes);
    return;
  }
  // Each place loads the pieces anew: a plane with the next, from which its carries come, but for the last plane.
  const auto pieces = static_cast<std::int64_t>(split_reduction(task_.view, g, mapping.act_split).size());
  const std::int64_t planes = task_.view.planes, times = mapping.weights_outer ? places_ : places_ / passes;
  const std::int64_t loads = times * tiles * planes * pieces;
  add(Target::kWgt, loads, times * tiles * task_.view.steps * (2 * planes - 1), g.wgt_word_bits(), places_);
}

/// The activation table is loaded once, in front of everything else.
void TilingWorkload::add_lut(Workload& workload) const {
  LoadCommand load;
  load.target = Target::kTab;
  load.lut = true;
  load.count = kLutWords;
  add_events(load, task_.geometry, 1, workload.events);
  workload.load_cycles += kLutWords + 1;
  workload.lead_cycles += kLutWords + 1;
  const int burst = task_.dram.burst_bytes();
  add_read(MemoryLevel::kDram, words_bytes(kLutWords, 8 * kLutEntriesPerWord, burst), burst, workload.events);
}

Workload TilingWorkload::of(const Mapping& mapping) const {
  const std::int64_t act_loads = mapping.act_split ? task_.channel_tiles() : activation_loads(mapping);
  Workload w;
  w.events = tile_events_;
  w.events.add(act_events_, act_loads);
  // The runs of input channels together read every place once, or more often where the other places come between.
  const auto runs =
      mapping.act_split ? act_loads : static_cast<std::int64_t>(input_runs(task_, task_.channel_tiles()).size());
  add_read(task_.dram.level(task_.layer().input), act_bytes_ * act_loads / runs, task_.dram.burst_bytes(), w.events);
  w.load_cycles = residual_cycles_ + act_cycles_ * static_cast<double>(act_loads);
  add_weights(mapping, w);
  w.compute_cycles = compute_cycles_;
  if (mapping.k_split) {
    const auto pieces = static_cast<double>(split_reduction(task_.view, task_.geometry, mapping.act_split).size());
    w.compute_cycles += static_cast<double>(places_ * task_.channel_tiles()) * (pieces * task_.view.planes - 1);
  }
  w.lead_cycles += lead_cycles_;
  w.tail_cycles = tail_cycles_;
  return w;
}

}  // namespace shiftsim::sim
