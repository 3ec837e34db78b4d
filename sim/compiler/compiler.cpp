#include "sim/compiler/compiler.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "common/error.h"
#include "qnet/bounds.h"
#include "sim/compiler/layer_view.h"

namespace shiftsim::sim {
namespace {

constexpr int kMax16 = 65535;

/// An output tile's measures in the scratchpads.
struct Tiling {
  int rows = 1, cols = 1, seg = 1;
  int row_words = 1;  ///< words of a row of the ifmap tile
  int in_rows = 1, in_cols = 1;
  int window = 1;  ///< words that a bank captures

  int pixels() const { return rows * cols; }
};

Tiling measure(const LayerView& view, const Geometry& g, int rows, int cols) {
  Tiling t;
  t.rows = rows, t.cols = cols;
  t.seg = ceil_div(rows * cols, g.pixels);
  t.in_rows = (rows - 1) * view.stride_h + view.halo_h();
  t.in_cols = (cols - 1) * view.stride_w + view.halo_w();
  t.row_words = t.in_cols * view.words;
  int spanned = 1;
  for (int first = 0; first < rows * cols; first += t.seg) {
    const int last = std::min(first + t.seg, rows * cols) - 1;
    spanned = std::max(spanned, last / cols - first / cols + 1);
  }
  t.window = ((spanned - 1) * view.stride_h + view.halo_h()) * t.row_words;
  return t;
}

bool fits(const LayerView& view, const Geometry& g, const Tiling& t, bool residual) {
  const int row_inc = view.stride_h * t.row_words;
  return t.window <= g.act_depth && t.pixels() * (view.wide ? 4 : 1) <= g.out_depth &&
         (!residual || t.pixels() <= g.res_depth) && t.pixels() <= kMax16 && row_inc <= 32767 &&
         (t.cols + 1) * view.stride_w * view.words <= 32767 &&
         static_cast<std::int64_t>(t.in_rows) * t.row_words < (1 << 24);
}

/// One COMPUTE (or, split along the reduction, several) with its loads.
struct Item {
  int y0, x0, tile;  ///< output tile's corner, channel tile
};

/// Emits one layer.
class LayerCompiler {
public:
  LayerCompiler(const qnet::Network& network, int layer_index, const AcceleratorConfig& accelerator, Program& program,
                std::array<bool, kTargets>& halves)
      : network_(network),
        index_(layer_index),
        layer_(network.layers[static_cast<std::size_t>(layer_index)]),
        accelerator_(accelerator),
        g_(program.geometry),
        program_(program),
        halves_(halves),
        view_(view_layer(network, layer_, g_)) {}

  void run();

private:
  struct Choice {
    Tiling tiling;
    bool weights_outer = false;
    double cycles = std::numeric_limits<double>::infinity();
  };

  void check_widths() const;
  void choose();
  double estimate(const Tiling& t, bool weights_outer) const;
  [[noreturn]] void too_small() const;
  void emit();
  void emit_item(const Item& item, bool new_act, bool last_of_act, bool new_weights, bool last_of_weights);
  void load_weights(int first_tile);
  void load_act(const Item& item, const Tiling& t);
  void load_residual(const Item& item, const Tiling& t);
  std::uint32_t add_words(int word_bytes, int dram_bits, std::size_t offset, std::size_t count);
  ComputeCommand command(const Item& item, const Tiling& t) const;
  void compute_split(const Item& item, const Tiling& t, ComputeCommand base);
  void push_compute(const ComputeCommand& command, const Item& item, const Tiling& t);
  bool flip(Target target) {
    const auto i = static_cast<std::size_t>(target);
    halves_[i] = !halves_[i];
    return halves_[i];
  }
  bool half(Target target) const { return halves_[static_cast<std::size_t>(target)]; }
  int weight_bits_in_dram() const { return 2 * g_.channels * g_.lanes; }
  int out_h() const { return network_.out(layer_).height; }
  int out_w() const { return network_.out(layer_).width; }
  bool has_residual() const { return layer_.residual >= 0; }
  /// Blocks of weights are addressed by tile % block_.
  int in_block(int tile) const { return tile % block_; }

  const qnet::Network& network_;
  int index_;
  const qnet::Layer& layer_;
  const AcceleratorConfig& accelerator_;
  const Geometry& g_;
  Program& program_;
  std::array<bool, kTargets>& halves_;
  LayerView view_;
  bool has_weights_ = true, split_ = false;
  int block_ = 1;
  Choice best_;
  bool barrier_pending_ = false;
  int items_left_ = 0;
};

void LayerCompiler::check_widths() const {
  const qnet::LayerBounds bounds = qnet::bounds(network_, layer_);
  const int needed = (view_.widened ? bounds.widened : bounds.accumulator).bits();
  if (needed > g_.acc_bits)
    fail("layer {}: its accumulator needs {} bits, array.accumulator_bits is {}", layer_.name, needed, g_.acc_bits);
}

void LayerCompiler::too_small() const {
  const Tiling least = measure(view_, g_, 1, 1);
  const auto kib = [](std::int64_t words, std::int64_t bits) {
    return ceil_div<std::int64_t>(2 * words * bits, 8 * 1024);
  };
  const std::string name = fmt::format("layer {} ({}x{}x{}, kernel {}x{})", layer_.name, out_h(), out_w(),
                                       network_.out(layer_).channels, layer_.kernel_h, layer_.kernel_w);
  if (g_.ppu_beats() > g_.tab_depth)
    fail("{}: scratchpad.table_kib is too small for any tile: it must be at least {} KiB", name,
         kib(g_.ppu_beats(), 56 * g_.ppu_lanes));
  if (least.window > g_.act_depth)
    fail("{}: scratchpad.activation_kib is too small for any tile: {} KiB, it must be at least {} KiB", name,
         accelerator_.scratchpad.activation_kib, kib(least.window, 8L * g_.channels * g_.pixels));
  const int out_words = view_.wide ? 4 : 1;
  if (out_words > g_.out_depth)
    fail("{}: scratchpad.output_kib is too small for any tile: it must be at least {} KiB", name,
         kib(out_words, 8L * g_.channels));
  fail("{}: too large for the address fields of the hardware's commands", name);
}

double LayerCompiler::estimate(const Tiling& t, bool weights_outer) const {
  const qnet::Tensor& in = network_.in(layer_);
  const qnet::Tensor& out = network_.out(layer_);
  const double bandwidth = accelerator_.dram.bytes_per_cycle, latency = accelerator_.dram.latency_cycles;
  const double spatial = static_cast<double>(ceil_div(out_h(), t.rows)) * ceil_div(out_w(), t.cols);
  const auto channel_tiles = static_cast<double>(view_.tiles.size());
  const double blocks = ceil_div(static_cast<int>(view_.tiles.size()), block_);
  const double drain = g_.pixels * g_.ppu_beats() * (view_.wide ? 4 : 1);
  const double item = 2 + t.seg * std::max<double>(view_.planes * view_.steps, drain);
  const double compute = spatial * channel_tiles * item;

  const double act_words = static_cast<double>(t.in_rows) * t.row_words;
  const double channels = std::min<double>(view_.tiles.front().in_channels, g_.channels);
  const double act = std::max(act_words, act_words * channels * in.bits / 8 / bandwidth) + g_.pixels + 2;
  double act_loads = spatial;
  if (!view_.shared_input)
    act_loads *= channel_tiles;
  else if (weights_outer && spatial > 1)
    act_loads *= blocks;
  const double block_words = std::min<double>(block_, channel_tiles) * view_.planes * view_.steps;
  const double weights = has_weights_ ? std::max(block_words, block_words * weight_bits_in_dram() / 8 / bandwidth) : 0;
  const double weight_loads = split_                         ? 2 * spatial * channel_tiles
                              : weights_outer || blocks == 1 ? blocks
                                                             : blocks * spatial;
  const double pixels = t.pixels();
  const double store = std::max(pixels * (view_.wide ? 4 : 1), pixels * std::min(g_.channels, out.channels) *
                                                                   (view_.wide ? 32 : out.bits) / 8 / bandwidth);
  const double residual = has_residual() ? store : 0;
  const double port = act_loads * act + weight_loads * weights + spatial * channel_tiles * residual;
  const double dram = act_loads * act_words * channels * in.bits / 8 / bandwidth +
                      weight_loads * (has_weights_ ? block_words * weight_bits_in_dram() / 8 / bandwidth : 0) +
                      spatial * channel_tiles * (store + residual);
  // The first load and the last item's drain and store are not overlapped with anything.
  return std::max({compute, port, dram}) + latency + act + residual + drain + store;
}

void LayerCompiler::choose() {
  has_weights_ = view_.mode != Mode::kMax;
  const int words = view_.planes * view_.steps;
  split_ = has_weights_ && words > g_.wgt_depth;
  block_ = g_.tab_depth / g_.ppu_beats();
  if (has_weights_) block_ = split_ ? 1 : std::min(block_, g_.wgt_depth / words);
  if (block_ < 1) too_small();
  block_ = std::min<int>(block_, static_cast<int>(view_.tiles.size()));
  for (int cols = out_w();; cols = ceil_div(cols, 2)) {
    for (int rows = 1; rows <= out_h(); ++rows) {
      const Tiling t = measure(view_, g_, rows, cols);
      // Split along the reduction, a command computes one pixel per slot.
      if (split_ && t.seg > 1) break;
      if (!fits(view_, g_, t, has_residual())) break;
      for (const bool weights_outer : {false, true}) {
        const double cycles = estimate(t, weights_outer);
        if (cycles < best_.cycles) best_ = {t, weights_outer, cycles};
      }
    }
    if (cols == 1) break;
  }
  if (best_.cycles == std::numeric_limits<double>::infinity()) too_small();
}

std::uint32_t LayerCompiler::add_words(int word_bytes, int dram_bits, std::size_t offset, std::size_t count) {
  ReadProgram read;
  read.kind = ReadProgram::Kind::kWords;
  read.layer = index_;
  read.offset = offset, read.word_bytes = word_bytes, read.word_dram_bits = dram_bits,
  read.count = static_cast<int>(count);
  read.dram_address = program_.dram.allocate(ceil_div<std::int64_t>(static_cast<std::int64_t>(count) * dram_bits, 8));
  program_.reads.push_back(read);
  return static_cast<std::uint32_t>(program_.reads.size() - 1);
}

void LayerCompiler::load_weights(int first_tile) {
  const int last_tile = std::min<int>(first_tile + block_, static_cast<int>(view_.tiles.size()));
  std::vector<std::uint8_t>& image = program_.image;
  const auto tile_words = static_cast<std::size_t>(view_.planes * view_.steps);
  if (has_weights_ && !split_) {
    const std::size_t offset = image.size();
    for (int tile = first_tile; tile < last_tile; ++tile)
      for (int plane = 0; plane < view_.planes; ++plane)
        for (int step = 0; step < view_.steps; ++step)
          append_weight_word(network_, layer_, view_, g_, view_.tiles[static_cast<std::size_t>(tile)], step, plane,
                             image);
    LoadCommand load;
    load.target = Target::kWgt, load.half = flip(Target::kWgt), load.acquire = load.signal = true;
    load.count = static_cast<std::uint32_t>(tile_words * static_cast<std::size_t>(last_tile - first_tile));
    load.carry_stride = static_cast<std::uint32_t>(view_.steps);
    load.dma_id = add_words(g_.wgt_word_bytes(), weight_bits_in_dram(), offset, load.count);
    program_.loads.push(load, index_);
  }
  const std::size_t offset = image.size();
  for (int tile = first_tile; tile < last_tile; ++tile)
    append_table_words(network_, layer_, view_, g_, view_.tiles[static_cast<std::size_t>(tile)], image);
  LoadCommand load;
  load.target = Target::kTab, load.half = flip(Target::kTab), load.acquire = load.signal = true;
  load.count = static_cast<std::uint32_t>((last_tile - first_tile) * g_.ppu_beats());
  load.dma_id = add_words(g_.tab_word_bytes(), 56 * g_.ppu_lanes, offset, load.count);
  program_.loads.push(load, index_);
}

void LayerCompiler::load_act(const Item& item, const Tiling& t) {
  const ChannelTile& tile = view_.tiles[static_cast<std::size_t>(item.tile)];
  const qnet::Tensor& in = network_.in(layer_);
  ReadProgram read;
  read.layer = index_, read.tensor = layer_.input, read.words = view_.words;
  if (view_.im2row) {
    read.kind = ReadProgram::Kind::kIm2row;
    read.y0 = item.y0, read.x0 = item.x0, read.rows = t.rows, read.cols = t.cols;
    read.channels = in.channels;
  } else {
    read.kind = ReadProgram::Kind::kTile;
    read.y0 = item.y0 * view_.stride_h - view_.pad_top, read.x0 = item.x0 * view_.stride_w - view_.pad_left;
    read.rows = t.in_rows, read.cols = t.in_cols;
    read.channel0 = tile.in0, read.channels = tile.in_channels, read.repeat = tile.repeat;
  }
  read.per_channel_pad = !layer_.pad_values.empty();
  // Padding must never win a maximum.
  read.pad = view_.mode == Mode::kMax ? in.low() & 0xff : 0;
  program_.reads.push_back(read);

  LoadCommand load;
  load.target = Target::kAct, load.half = flip(Target::kAct), load.acquire = load.signal = true;
  load.barrier = barrier_pending_;
  barrier_pending_ = false;
  load.count = static_cast<std::uint32_t>(t.in_rows * t.row_words);
  load.dma_id = static_cast<std::uint32_t>(program_.reads.size() - 1);
  load.seg = static_cast<std::uint32_t>(t.seg), load.m_tile = static_cast<std::uint32_t>(t.pixels()),
  load.tw = static_cast<std::uint32_t>(t.cols);
  load.seg_x = static_cast<std::uint32_t>(t.seg % t.cols);
  load.seg_xa = load.seg_x * static_cast<std::uint32_t>(view_.stride_w * view_.words);
  load.tw_xa = static_cast<std::uint32_t>(t.cols * view_.stride_w * view_.words);
  load.row_off = static_cast<std::uint32_t>(view_.stride_h * t.row_words);
  load.seg_off = static_cast<std::uint32_t>(t.seg / t.cols) * load.row_off;
  load.win_len = static_cast<std::uint32_t>(t.window);
  program_.loads.push(load, index_);
}

void LayerCompiler::load_residual(const Item& item, const Tiling& t) {
  const ChannelTile& tile = view_.tiles[static_cast<std::size_t>(item.tile)];
  ReadProgram read;
  read.kind = ReadProgram::Kind::kTile;
  read.layer = index_, read.tensor = layer_.residual;
  read.y0 = item.y0, read.x0 = item.x0, read.rows = t.rows, read.cols = t.cols;
  read.channel0 = tile.k0, read.channels = tile.channels;
  program_.reads.push_back(read);
  LoadCommand load;
  load.target = Target::kRes, load.half = flip(Target::kRes), load.acquire = load.signal = true;
  load.count = static_cast<std::uint32_t>(t.pixels());
  load.dma_id = static_cast<std::uint32_t>(program_.reads.size() - 1);
  program_.loads.push(load, index_);
}

ComputeCommand LayerCompiler::command(const Item& item, const Tiling& t) const {
  const qnet::Tensor& in = network_.in(layer_);
  ComputeCommand c;
  c.mode = view_.mode;
  c.act_signed = in.is_signed;
  c.has_offset = view_.has_offset, c.has_res = has_residual(), c.wide = view_.wide;
  c.res_signed = has_residual() && network_.tensors[static_cast<std::size_t>(layer_.residual)].is_signed;
  c.act_half = half(Target::kAct), c.wgt_half = half(Target::kWgt), c.tab_half = half(Target::kTab),
  c.res_half = half(Target::kRes);
  c.out_half = half(Target::kOut);
  c.planes = static_cast<std::uint32_t>(view_.planes);
  c.seg = static_cast<std::uint32_t>(t.seg), c.m_tile = static_cast<std::uint32_t>(t.pixels()),
  c.tw = static_cast<std::uint32_t>(t.cols);
  c.x_inc = static_cast<std::uint32_t>(view_.stride_w * view_.words);
  c.row_inc = view_.stride_h * t.row_words - (t.cols - 1) * view_.stride_w * view_.words;
  c.sub_last = static_cast<std::uint32_t>(view_.sub_last), c.cw_n = static_cast<std::uint32_t>(view_.words);
  c.kx_n = static_cast<std::uint32_t>(view_.kernel_w), c.ky_n = static_cast<std::uint32_t>(view_.kernel_h);
  c.inc_kx = view_.dilation_w * view_.words - (view_.words - 1);
  c.inc_ky = view_.dilation_h * t.row_words - ((view_.kernel_w - 1) * view_.dilation_w * view_.words + view_.words - 1);
  c.wgt_base = static_cast<std::uint32_t>(in_block(item.tile) * view_.planes * view_.steps);
  c.tab_base = static_cast<std::uint32_t>(in_block(item.tile) * g_.ppu_beats());
  // A maximum is within its input's range; its clamp must let everything pass.
  c.lo = view_.wide ? 0 : view_.mode == Mode::kMax ? network_.out(layer_).low() : layer_.lo;
  c.acq_out = c.sig_out = true;
  c.acq_res = c.rel_res = has_residual();
  return c;
}

void LayerCompiler::push_compute(const ComputeCommand& command, const Item& item, const Tiling& t) {
  const ChannelTile& tile = view_.tiles[static_cast<std::size_t>(item.tile)];
  program_.computes.push(command, index_);
  program_.origins.push_back({index_, item.y0, item.x0, t.rows, t.cols, tile.k0, tile.channels});
}

void LayerCompiler::compute_split(const Item& item, const Tiling& t, ComputeCommand base) {
  // The reduction in chunks whose weights fit half the scratchpad twice: a plane's words, and those of the next plane,
  // from which the carries come. Plane-major, because the accumulators are shifted between planes.
  struct Chunk {
    int ky, ky_n, kx, kx_n, word, words;
  };
  const int limit = g_.wgt_depth / 2;
  const int tap_steps = (view_.words - 1) * g_.sub_blocks() + view_.sub_last;
  std::vector<Chunk> chunks;
  if (view_.kernel_w * tap_steps <= limit) {
    const int rows = limit / (view_.kernel_w * tap_steps);
    for (int ky = 0; ky < view_.kernel_h; ky += rows)
      chunks.push_back({ky, std::min(rows, view_.kernel_h - ky), 0, view_.kernel_w, 0, view_.words});
  } else {
    const int words = std::max(1, std::min(view_.words, limit / g_.sub_blocks()));
    const int taps = tap_steps <= limit ? limit / tap_steps : 1;
    for (int ky = 0; ky < view_.kernel_h; ++ky)
      for (int kx = 0; kx < view_.kernel_w; kx += taps)
        for (int word = 0; word < view_.words; word += tap_steps <= limit ? view_.words : words)
          chunks.push_back({ky, 1, kx, std::min(taps, view_.kernel_w - kx), word,
                            tap_steps <= limit ? view_.words : std::min(words, view_.words - word)});
  }
  const ChannelTile& tile = view_.tiles[static_cast<std::size_t>(item.tile)];
  for (int plane = 0; plane < view_.planes; ++plane)
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const Chunk& chunk = chunks[i];
      const bool last_plane = plane == view_.planes - 1;
      const bool to_end = chunk.word + chunk.words == view_.words;
      std::vector<int> steps;
      for (int ky = chunk.ky; ky < chunk.ky + chunk.ky_n; ++ky)
        for (int kx = chunk.kx; kx < chunk.kx + chunk.kx_n; ++kx)
          for (int s = chunk.word * g_.sub_blocks();
               s < (to_end ? tap_steps : (chunk.word + chunk.words) * g_.sub_blocks()); ++s)
            steps.push_back((ky * view_.kernel_w + kx) * tap_steps + s);
      const std::size_t offset = program_.image.size();
      for (int p = plane; p <= std::min(plane + 1, view_.planes - 1); ++p)
        for (const int step : steps) append_weight_word(network_, layer_, view_, g_, tile, step, p, program_.image);
      LoadCommand load;
      load.target = Target::kWgt, load.half = flip(Target::kWgt), load.acquire = load.signal = true;
      load.count = static_cast<std::uint32_t>(steps.size() * (last_plane ? 1 : 2));
      load.carry_stride = static_cast<std::uint32_t>(steps.size());
      load.dma_id = add_words(g_.wgt_word_bytes(), weight_bits_in_dram(), offset, load.count);
      program_.loads.push(load, index_);

      ComputeCommand c = base;
      const bool first = plane == 0 && i == 0, last = last_plane && i + 1 == chunks.size();
      c.planes = 1, c.first = first, c.shift_first = plane > 0 && i == 0, c.plane0_last = last_plane, c.drain = last;
      c.wgt_half = load.half, c.wgt_base = 0, c.acq_wgt = c.rel_wgt = true;
      c.act_base = static_cast<std::uint32_t>(chunk.ky * view_.dilation_h * t.row_words +
                                              chunk.kx * view_.dilation_w * view_.words + chunk.word);
      c.ky_n = static_cast<std::uint32_t>(chunk.ky_n), c.kx_n = static_cast<std::uint32_t>(chunk.kx_n),
      c.cw_n = static_cast<std::uint32_t>(chunk.words);
      c.sub_last = to_end ? base.sub_last : static_cast<std::uint32_t>(g_.sub_blocks());
      c.inc_kx = view_.dilation_w * view_.words - (chunk.words - 1);
      c.inc_ky = view_.dilation_h * t.row_words - ((chunk.kx_n - 1) * view_.dilation_w * view_.words + chunk.words - 1);
      c.acq_act = base.acq_act && first, c.rel_act = base.rel_act && last;
      c.acq_tab = base.acq_tab && first, c.rel_tab = base.rel_tab && last;
      c.acq_res = base.acq_res && first, c.rel_res = base.rel_res && last;
      c.acq_out = first, c.sig_out = last;
      push_compute(c, item, t);
    }
}

void LayerCompiler::emit_item(const Item& item, bool new_act, bool last_of_act, bool new_weights,
                              bool last_of_weights) {
  const Tiling t = measure(view_, g_, std::min(best_.tiling.rows, out_h() - item.y0),
                           std::min(best_.tiling.cols, out_w() - item.x0));
  const ChannelTile& tile = view_.tiles[static_cast<std::size_t>(item.tile)];
  // Weights first: they need not wait for the layer before.
  if (new_weights) load_weights(item.tile - in_block(item.tile));
  if (new_act) load_act(item, t);
  if (has_residual()) load_residual(item, t);
  flip(Target::kOut);
  ComputeCommand c = command(item, t);
  c.acq_act = new_act, c.rel_act = last_of_act;
  c.acq_tab = new_weights, c.rel_tab = last_of_weights;
  if (split_) {
    compute_split(item, t, c);
  } else {
    c.acq_wgt = new_weights && has_weights_, c.rel_wgt = last_of_weights && has_weights_;
    push_compute(c, item, t);
  }
  StoreCommand store;
  store.half = half(Target::kOut);
  store.count = static_cast<std::uint32_t>(t.pixels() * (view_.wide ? 4 : 1));
  store.sig_layer = --items_left_ == 0 && index_ + 1 < static_cast<int>(network_.layers.size());
  store.dma_id = static_cast<std::uint32_t>(program_.writes.size());
  program_.writes.push_back(
      {index_, layer_.output, item.y0, item.x0, t.rows, t.cols, tile.k0, tile.channels, view_.wide});
  program_.stores.push(store, index_);
}

void LayerCompiler::emit() {
  const int tiles = static_cast<int>(view_.tiles.size());
  std::vector<Item> items;
  const auto add_spatial = [&](int first_tile, int end_tile) {
    for (int y = 0; y < out_h(); y += best_.tiling.rows)
      for (int x = 0; x < out_w(); x += best_.tiling.cols)
        for (int tile = first_tile; tile < end_tile; ++tile) items.push_back({y, x, tile});
  };
  if (best_.weights_outer)
    for (int first = 0; first < tiles; first += block_) add_spatial(first, std::min(first + block_, tiles));
  else
    add_spatial(0, tiles);

  // An activation load serves consecutive items of the same place and input channels, a weight load those of the same
  // block.
  const auto same_act = [&](const Item& a, const Item& b) {
    const ChannelTile& ta = view_.tiles[static_cast<std::size_t>(a.tile)];
    const ChannelTile& tb = view_.tiles[static_cast<std::size_t>(b.tile)];
    return a.y0 == b.y0 && a.x0 == b.x0 && ta.in0 == tb.in0 && ta.in_channels == tb.in_channels;
  };
  const auto same_weights = [&](const Item& a, const Item& b) { return a.tile / block_ == b.tile / block_; };
  items_left_ = static_cast<int>(items.size());
  barrier_pending_ = index_ > 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool first = i == 0, last = i + 1 == items.size();
    emit_item(items[i], first || !same_act(items[i - 1], items[i]), last || !same_act(items[i], items[i + 1]),
              first || !same_weights(items[i - 1], items[i]), last || !same_weights(items[i], items[i + 1]));
  }
}

void LayerCompiler::run() {
  check_widths();
  choose();
  emit();
  LayerPlan plan;
  plan.planes = view_.planes, plan.steps = view_.steps;
  plan.tile_rows = best_.tiling.rows, plan.tile_cols = best_.tiling.cols, plan.seg = best_.tiling.seg;
  plan.channel_tiles = static_cast<int>(view_.tiles.size()), plan.block = block_;
  plan.tiles = ceil_div(out_h(), best_.tiling.rows) * ceil_div(out_w(), best_.tiling.cols) * plan.channel_tiles;
  plan.weights_outer = best_.weights_outer, plan.im2row = view_.im2row, plan.widened = view_.widened,
  plan.k_split = split_;
  plan.estimated_cycles = best_.cycles;
  program_.plans.push_back(plan);
}

}  // namespace

Geometry geometry_of(const AcceleratorConfig& a) {
  const Depths depths = a.depths();
  Geometry g;
  g.pixels = a.array.pixels(), g.channels = a.array.cols, g.lanes = a.array.lanes, g.ppu_lanes = a.array.ppu_lanes;
  g.acc_bits = a.array.accumulator_bits;
  g.act_depth = depths.activation, g.wgt_depth = depths.weight, g.tab_depth = depths.table,
  g.res_depth = depths.residual;
  g.out_depth = depths.output;
  g.cmd_depth = a.command_queue_depth;
  return g;
}

Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator) {
  Program program;
  program.geometry = geometry_of(accelerator);
  program.dram = DramLayout(network, program.geometry.channels, accelerator.dram.burst_bytes);
  std::array<bool, kTargets> halves{};
  for (std::size_t i = 0; i < network.layers.size(); ++i)
    LayerCompiler(network, static_cast<int>(i), accelerator, program, halves).run();
  return program;
}

}  // namespace shiftsim::sim
