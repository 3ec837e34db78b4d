#include "sim/compiler/output_stationary_emitter.h"

#include <algorithm>

#include "sim/compiler/reduction_split.h"
#include "sim/compiler/tile_reads.h"

namespace shiftsim::sim {
namespace {

std::uint32_t u32(std::int64_t value) {
  return static_cast<std::uint32_t>(value);
}

}  // namespace

void OutputStationaryEmitter::emit() {
  const std::vector<Item> all = items();
  for (std::size_t i = 0; i < all.size(); ++i) emit_item(all[i], reuse(all, i), i + 1 == all.size());
}

std::vector<OutputStationaryEmitter::Item> OutputStationaryEmitter::items() const {
  const int tiles = task_.channel_tiles();
  const int group = mapping_.weights_outer ? mapping_.block : tiles;
  std::vector<Item> result;
  for (int first = 0; first < tiles; first += group)
    for (int y = 0; y < task_.out().height; y += mapping_.tiling.rows)
      for (int x = 0; x < task_.out().width; x += mapping_.tiling.cols)
        for (int tile = first; tile < std::min(first + group, tiles); ++tile) result.push_back({y, x, tile});
  return result;
}

OutputStationaryEmitter::Reuse OutputStationaryEmitter::reuse(const std::vector<Item>& items, std::size_t i) const {
  // An activation load serves consecutive items of the same place and input channels.
  const auto same_act = [&](const Item& a, const Item& b) {
    const ChannelTile &ta = task_.channel_tile(a.tile), &tb = task_.channel_tile(b.tile);
    return a.y0 == b.y0 && a.x0 == b.x0 && ta.in0 == tb.in0 && ta.in_channels == tb.in_channels;
  };
  const auto same_weights = [&](const Item& a, const Item& b) {
    return a.tile / mapping_.block == b.tile / mapping_.block;
  };
  const bool first = i == 0, last = i + 1 == items.size();
  return {first || !same_act(items[i - 1], items[i]), last || !same_act(items[i], items[i + 1]),
          first || !same_weights(items[i - 1], items[i]), last || !same_weights(items[i], items[i + 1])};
}

void OutputStationaryEmitter::emit_item(const Item& item, const Reuse& reuse, bool last) {
  const Tiling t =
      measure_tiling(task_.view, task_.geometry, std::min(mapping_.tiling.rows, task_.out().height - item.y0),
                     std::min(mapping_.tiling.cols, task_.out().width - item.x0));
  // Weights first: they need not wait for the layer before.
  if (reuse.new_weights) load_weights(item.tile - place_in_block(item.tile));
  if (reuse.new_act) load_activations(item, t);
  if (task_.has_residual()) load_residual(item, t);
  program_.flip(Target::kOut);
  ComputeCommand command = compute_command(item, t);
  command.acq_act = reuse.new_act;
  command.rel_act = reuse.last_of_act;
  command.acq_tab = reuse.new_weights;
  command.rel_tab = reuse.last_of_weights;
  if (mapping_.k_split) {
    compute_pieces(item, t, command);
  } else {
    command.acq_wgt = reuse.new_weights && task_.has_weights();
    command.rel_wgt = reuse.last_of_weights && task_.has_weights();
    compute(command, item, t);
  }
  store(item, t, last);
}

WordsArea OutputStationaryEmitter::place_weights(int first_tile, int end_tile) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const std::size_t offset = program_.image().size();
  for (int tile = first_tile; tile < end_tile; ++tile)
    for (int plane = 0; plane < view.planes; ++plane)
      for (int step = 0; step < view.steps; ++step)
        append_weight_word(task_.network, task_.layer(), view, g, task_.channel_tile(tile), step, plane,
                           program_.image());
  return program_.place_words(offset, g.wgt_word_bytes(), g.wgt_word_bits());
}

WordsArea OutputStationaryEmitter::place_tables(int first_tile, int end_tile) {
  const Geometry& g = task_.geometry;
  const std::size_t offset = program_.image().size();
  for (int tile = first_tile; tile < end_tile; ++tile)
    append_table_words(task_.network, task_.layer(), task_.view, g, task_.channel_tile(tile), program_.image());
  return program_.place_words(offset, g.tab_word_bytes(), g.tab_word_bits());
}

/// Plane after plane, so that one load takes a plane with the next, from which its carries come.
WordsArea OutputStationaryEmitter::place_piece(int tile, const std::vector<int>& steps) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const std::size_t offset = program_.image().size();
  for (int plane = 0; plane < view.planes; ++plane)
    for (const int step : steps)
      append_weight_word(task_.network, task_.layer(), view, g, task_.channel_tile(tile), step, plane,
                         program_.image());
  return program_.place_words(offset, g.wgt_word_bytes(), g.wgt_word_bits());
}

void OutputStationaryEmitter::load_weights(int first_tile) {
  const int end_tile = std::min(first_tile + mapping_.block, task_.channel_tiles());
  if (task_.has_weights() && !mapping_.k_split) {
    if (!weights_.contains(first_tile)) weights_[first_tile] = place_weights(first_tile, end_tile);
    program_.load_words(Target::kWgt, weights_[first_tile], u32(task_.view.steps));
  }
  if (!tables_.contains(first_tile)) tables_[first_tile] = place_tables(first_tile, end_tile);
  program_.load_words(Target::kTab, tables_[first_tile]);
}

void OutputStationaryEmitter::load_activations(const Item& item, const Tiling& t) {
  const LayerView& view = task_.view;
  LoadCommand load;
  load.barrier = barrier_pending_;
  barrier_pending_ = false;
  load.count = u32(t.in_words());
  load.seg = u32(t.seg);
  load.m_tile = u32(t.pixels());
  load.tw = u32(t.cols);
  load.seg_x = u32(t.seg % t.cols);
  load.seg_xa = load.seg_x * u32(view.stride_w * view.words);
  load.tw_xa = u32(t.cols * view.stride_w * view.words);
  load.row_off = u32(view.stride_h * t.row_words);
  load.seg_off = u32(t.seg / t.cols) * load.row_off;
  load.win_len = u32(t.window);
  program_.load(Target::kAct, activation_read(task_, t, item.y0, item.x0, item.tile), load);
}

void OutputStationaryEmitter::load_residual(const Item& item, const Tiling& t) {
  LoadCommand load;
  load.count = u32(t.pixels());
  program_.load(Target::kRes, residual_read(task_, t, item.y0, item.x0, item.tile), load);
}

ComputeCommand OutputStationaryEmitter::compute_command(const Item& item, const Tiling& t) const {
  const LayerView& view = task_.view;
  const qnet::Layer& layer = task_.layer();
  ComputeCommand c;
  c.mode = view.mode;
  c.act_signed = task_.in().is_signed;
  c.has_offset = view.has_offset;
  c.has_res = task_.has_residual();
  c.wide = view.wide;
  c.res_signed = c.has_res && task_.network.tensors[static_cast<std::size_t>(layer.residual)].is_signed;
  c.act_half = program_.half(Target::kAct);
  c.wgt_half = program_.half(Target::kWgt);
  c.tab_half = program_.half(Target::kTab);
  c.res_half = program_.half(Target::kRes);
  c.out_half = program_.half(Target::kOut);
  c.planes = u32(view.planes);
  c.seg = u32(t.seg);
  c.m_tile = u32(t.pixels());
  c.tw = u32(t.cols);
  c.x_inc = u32(view.stride_w * view.words);
  c.row_inc = view.stride_h * t.row_words - (t.cols - 1) * view.stride_w * view.words;
  c.sub_last = u32(view.sub_last);
  c.cw_n = u32(view.words);
  c.kx_n = u32(view.kernel_w);
  c.ky_n = u32(view.kernel_h);
  c.inc_kx = view.dilation_w * view.words - (view.words - 1);
  c.inc_ky = view.dilation_h * t.row_words - ((view.kernel_w - 1) * view.dilation_w * view.words + view.words - 1);
  c.wgt_base = u32(place_in_block(item.tile) * task_.weight_words());
  c.tab_base = u32(place_in_block(item.tile) * task_.geometry.ppu_beats());
  // A maximum is within its input's range; its clamp must let everything pass.
  if (!view.wide) c.lo = view.mode == Mode::kMax ? task_.out().low() : layer.lo;
  c.acq_out = true;
  c.sig_out = true;
  c.acq_res = c.has_res;
  c.rel_res = c.has_res;
  return c;
}

void OutputStationaryEmitter::compute_pieces(const Item& item, const Tiling& t, const ComputeCommand& whole) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const std::vector<ReductionPiece> pieces = split_reduction(view, g);
  // Plane by plane, because the accumulators are shifted between planes.
  for (int plane = 0; plane < view.planes; ++plane)
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const ReductionPiece& piece = pieces[i];
      const bool last_plane = plane == view.planes - 1;
      const bool first = plane == 0 && i == 0, last = last_plane && i + 1 == pieces.size();
      const std::vector<int> steps = piece.steps(view, g);
      const std::array<int, 2> key = {item.tile, static_cast<int>(i)};
      if (!pieces_.contains(key)) pieces_[key] = place_piece(item.tile, steps);
      const int count = static_cast<int>(steps.size());
      const int planes = last_plane ? 1 : 2;
      program_.load_words(Target::kWgt, pieces_[key].part(plane * count, planes * count), u32(count));

      ComputeCommand c = whole;
      c.planes = 1;
      c.first = first;
      c.shift_first = plane > 0 && i == 0;
      c.plane0_last = last_plane;
      c.drain = last;
      c.wgt_half = program_.half(Target::kWgt);
      c.wgt_base = 0;
      c.acq_wgt = true;
      c.rel_wgt = true;
      c.act_base = u32(piece.ky * view.dilation_h * t.row_words + piece.kx * view.dilation_w * view.words + piece.word);
      c.ky_n = u32(piece.ky_n);
      c.kx_n = u32(piece.kx_n);
      c.cw_n = u32(piece.words);
      c.sub_last = piece.to_last_word(view) ? whole.sub_last : u32(g.sub_blocks());
      c.inc_kx = view.dilation_w * view.words - (piece.words - 1);
      c.inc_ky = view.dilation_h * t.row_words - ((piece.kx_n - 1) * view.dilation_w * view.words + piece.words - 1);
      c.acq_act = whole.acq_act && first;
      c.rel_act = whole.rel_act && last;
      c.acq_tab = whole.acq_tab && first;
      c.rel_tab = whole.rel_tab && last;
      c.acq_res = whole.acq_res && first;
      c.rel_res = whole.rel_res && last;
      c.acq_out = first;
      c.sig_out = last;
      compute(c, item, t);
    }
}

void OutputStationaryEmitter::compute(const ComputeCommand& command, const Item& item, const Tiling& t) {
  const ChannelTile& tile = task_.channel_tile(item.tile);
  program_.compute(command, {task_.index, item.y0, item.x0, t.rows, t.cols, tile.k0, tile.channels});
}

void OutputStationaryEmitter::store(const Item& item, const Tiling& t, bool last) {
  const ChannelTile& tile = task_.channel_tile(item.tile);
  StoreCommand command;
  command.count = u32(t.pixels() * task_.view.words_per_output());
  command.sig_layer = last && !task_.is_last();
  program_.store(command, {task_.index, task_.layer().output, item.y0, item.x0, t.rows, t.cols, tile.k0, tile.channels,
                           task_.view.wide});
}

}  // namespace shiftsim::sim
