#include "sim/compiler/output_stationary_emitter.h"

#include <algorithm>

#include "sim/compiler/tile_commands.h"
#include "sim/compiler/tile_reads.h"

namespace shiftsim::sim {

void OutputStationaryEmitter::emit() {
  make_items();
  if (task_.has_table()) load_lut();
  for (std::size_t i = 0; i < items_.size(); ++i) emit_item(i);
}

std::vector<Place> OutputStationaryEmitter::places() const {
  std::vector<Place> result;
  for (int map = 0; map < task_.maps(); ++map)
    for (int row = 0; row < task_.map_rows(); row += mapping_.tiling.rows)
      for (int col = 0; col < task_.out().width; col += mapping_.tiling.cols)
        result.push_back(task_.place(map, row, col));
  return result;
}

/// The loops around a tile. What the outer loop holds, one or two tiles or blocks at a time, is loaded once; what the
/// inner loop takes is loaded anew for each turn of the outer.
void OutputStationaryEmitter::make_items() {
  const std::vector<Place> all = places();
  const auto held = static_cast<std::size_t>(mapping_.held);
  const auto blocks = static_cast<std::size_t>(ceil_div(task_.channel_tiles(), mapping_.block));
  if (mapping_.weights_outer) {
    for (std::size_t group = 0; group < blocks; group += held)
      for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t block = group; block < std::min(group + held, blocks); ++block)
          add_block(all[i], i, block, block);
    return;
  }
  std::size_t load = 0;
  for (std::size_t group = 0; group < all.size(); group += held) {
    for (std::size_t block = 0; block < blocks; ++block) {
      for (std::size_t i = group; i < std::min(group + held, all.size()); ++i) add_block(all[i], i, block, load);
      // An only block stays for the next tiles of the output, too.
      if (blocks > 1) ++load;
    }
  }
}

/// Whether the load of activations before serves this item, too: the same place and input channels.
bool OutputStationaryEmitter::continues_last_act(const Place& place, int tile) const {
  if (items_.empty()) return false;
  const Item& last = items_.back();
  const ChannelTile &a = task_.channel_tile(last.tile), &b = task_.channel_tile(tile);
  return last.place == place && a.in0 == b.in0 && a.in_channels == b.in_channels;
}

void OutputStationaryEmitter::add_block(const Place& place, std::size_t place_number, std::size_t block,
                                        std::size_t load) {
  const bool held_places = !mapping_.weights_outer && mapping_.held > 1;
  const int first = static_cast<int>(block) * mapping_.block;
  for (int tile = first; tile < std::min(first + mapping_.block, task_.channel_tiles()); ++tile) {
    const std::size_t number = items_.size();
    const std::size_t act = held_places                       ? place_number
                            : continues_last_act(place, tile) ? acts_.size() - 1
                                                              : acts_.size();
    if (act == acts_.size()) acts_.push_back({number});
    if (load == blocks_.size()) blocks_.push_back({number});
    acts_[act].last = number;
    blocks_[load].last = number;
    items_.push_back({place, tile, act, load});
  }
}

void OutputStationaryEmitter::emit_item(std::size_t number) {
  const Item& item = items_[number];
  Loaded &act = acts_[item.act], &block = blocks_[item.weights];
  const bool new_act = act.first == number, new_weights = block.first == number;
  const bool last_of_act = act.last == number, last_of_weights = block.last == number;
  const Tiling t = task_.tiling_at(mapping_.tiling, item.place);
  // Weights first: they need not wait for the layer before.
  if (new_weights) {
    load_weights(item.tile - place_in_block(item.tile));
    block.half = program_.half(Target::kWgt);
    block.table_half = program_.half(Target::kTab);
  }
  if (new_act && !mapping_.act_split) {
    load_activations(activation_read(task_, t, item.place, item.tile), activation_load(task_.view, t));
    act.half = program_.half(Target::kAct);
  }
  if (task_.has_residual()) load_residual(item, t);
  program_.flip(Target::kOut);
  ComputeCommand command = compute_command(item, t);
  command.acq_act = new_act;
  command.rel_act = last_of_act;
  command.acq_tab = new_weights;
  command.rel_tab = last_of_weights;
  if (mapping_.k_split) {
    compute_pieces(item, t, command);
  } else {
    command.acq_wgt = new_weights && task_.has_weights();
    command.rel_wgt = last_of_weights && task_.has_weights();
    compute(command, item, t);
  }
  store(item, t, number + 1 == items_.size());
}

bool OutputStationaryEmitter::loads_blocks_again() const {
  const std::size_t groups = ceil_div(places().size(), static_cast<std::size_t>(mapping_.held));
  return !mapping_.weights_outer && mapping_.block < task_.channel_tiles() && groups > 1;
}

WordsArea OutputStationaryEmitter::with_copy(WordsArea area, bool loaded_again) {
  const L2Room room = task_.dram.weight_room(task_.index);
  const std::int64_t burst = task_.dram.burst_bytes();
  const std::int64_t bytes =
      ceil_div(ceil_div<std::int64_t>(std::int64_t{area.count} * area.dram_bits, 8), burst) * burst;
  if (!loaded_again || copied_bytes_ + bytes > room.bytes) return area;
  area.l2_address = room.address + static_cast<std::uint64_t>(copied_bytes_);
  copied_bytes_ += bytes;
  return area;
}

WordsArea OutputStationaryEmitter::place_weights(int first_tile, int end_tile) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const auto append = [&](std::vector<std::uint8_t>& image) {
    for (int tile = first_tile; tile < end_tile; ++tile)
      for (int plane = 0; plane < view.planes; ++plane)
        for (int step = 0; step < view.steps; ++step)
          append_weight_word(task_.network, task_.layer(), view, g, task_.channel_tile(tile), step, plane, image);
  };
  return program_.place_words((end_tile - first_tile) * task_.weight_words(), g.wgt_word_bytes(), g.wgt_word_bits(),
                              append);
}

WordsArea OutputStationaryEmitter::place_tables(int first_tile, int end_tile) {
  const Geometry& g = task_.geometry;
  const auto append = [&](std::vector<std::uint8_t>& image) {
    for (int tile = first_tile; tile < end_tile; ++tile)
      append_table_words(task_.network, task_.layer(), task_.view, g, task_.channel_tile(tile), image);
  };
  return program_.place_words((end_tile - first_tile) * g.ppu_beats(), g.tab_word_bytes(), g.tab_word_bits(), append);
}

/// Plane after plane, so that one load takes a plane with the next, from which its carries come.
WordsArea OutputStationaryEmitter::place_piece(int tile, const std::vector<int>& steps) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const auto append = [&](std::vector<std::uint8_t>& image) {
    for (int plane = 0; plane < view.planes; ++plane)
      for (const int step : steps)
        append_weight_word(task_.network, task_.layer(), view, g, task_.channel_tile(tile), step, plane, image);
  };
  return program_.place_words(view.planes * static_cast<int>(steps.size()), g.wgt_word_bytes(), g.wgt_word_bits(),
                              append);
}

/// Once for the layer, in front of its first entries of TAB: whoever waits for those finds the table, too.
void OutputStationaryEmitter::load_lut() {
  const std::vector<std::uint8_t>& table = task_.layer().table;
  const auto append = [&](std::vector<std::uint8_t>& image) { image.insert(image.end(), table.begin(), table.end()); };
  program_.load_lut(program_.place_words(kLutWords, kLutEntriesPerWord, 8 * kLutEntriesPerWord, append));
}

void OutputStationaryEmitter::load_weights(int first_tile) {
  const int end_tile = std::min(first_tile + mapping_.block, task_.channel_tiles());
  const bool first_time = !tables_.contains(first_tile), again = loads_blocks_again();
  if (task_.has_weights() && !mapping_.k_split) {
    if (first_time) weights_[first_tile] = with_copy(place_weights(first_tile, end_tile), again);
    program_.load_words(Target::kWgt, weights_[first_tile], first_time, u32(task_.view.steps));
  }
  if (first_time) tables_[first_tile] = with_copy(place_tables(first_tile, end_tile), again);
  program_.load_words(Target::kTab, tables_[first_tile], first_time);
}

void OutputStationaryEmitter::load_activations(const ReadProgram& read, LoadCommand load) {
  load.barrier = barrier_pending_;
  barrier_pending_ = false;
  program_.load(Target::kAct, read, load);
}

void OutputStationaryEmitter::load_residual(const Item& item, const Tiling& t) {
  LoadCommand load;
  load.count = u32(t.pixels());
  program_.load(Target::kRes, residual_read(task_, t, item.place, item.tile), load);
}

ComputeCommand OutputStationaryEmitter::compute_command(const Item& item, const Tiling& t) const {
  ComputeCommand c = tile_compute(task_, t);
  c.act_half = acts_[item.act].half;
  c.wgt_half = blocks_[item.weights].half;
  c.tab_half = blocks_[item.weights].table_half;
  c.res_half = program_.half(Target::kRes);
  c.out_half = program_.half(Target::kOut);
  c.lut_half = c.use_lut && program_.lut_half();
  c.wgt_base = u32(place_in_block(item.tile) * task_.weight_words());
  c.tab_base = u32(place_in_block(item.tile) * task_.geometry.ppu_beats());
  c.acq_out = true;
  c.sig_out = true;
  c.acq_res = c.has_res;
  c.rel_res = c.has_res;
  return c;
}

/// A plane's weights of a piece, with those of the next plane, from which the carries come.
void OutputStationaryEmitter::load_piece_weights(const Item& item, const ReductionPiece& piece, std::size_t number,
                                                 int plane) {
  const std::array<int, 2> key = {item.tile, static_cast<int>(number)};
  const std::vector<int> steps = piece.steps(task_.view, task_.geometry);
  if (!pieces_.contains(key)) pieces_[key] = with_copy(place_piece(item.tile, steps), loads_pieces_again());
  const int count = static_cast<int>(steps.size());
  const int planes = plane == task_.view.planes - 1 ? 1 : 2;
  const bool first_time = loaded_pieces_.insert({item.tile, static_cast<int>(number), plane}).second;
  program_.load_words(Target::kWgt, pieces_[key].part(plane * count, planes * count), first_time, u32(count));
}

void OutputStationaryEmitter::compute_pieces(const Item& item, const Tiling& t, const ComputeCommand& whole) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const bool act_split = mapping_.act_split;
  const std::vector<ReductionPiece> pieces = split_reduction(view, g, act_split);
  // Plane by plane, because the accumulators are shifted between planes.
  for (int plane = 0; plane < view.planes; ++plane)
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const ReductionPiece& piece = pieces[i];
      const bool last_plane = plane == view.planes - 1;
      const bool first = plane == 0 && i == 0, last = last_plane && i + 1 == pieces.size();
      if (task_.has_weights()) load_piece_weights(item, piece, i, plane);
      if (act_split)
        load_activations(piece_read(task_, t, piece, item.place, item.tile), piece_load(view, piece, task_.images(t)));
      // Addresses of a whole window, or of the piece alone.
      const int row_words = act_split ? piece.cols(view) * piece.words : t.row_words;
      const int pixel_words = act_split ? piece.words : view.words;
      const int base = piece.ky * view.dilation_h * row_words + piece.kx * view.dilation_w * pixel_words + piece.word;

      ComputeCommand c = whole;
      c.planes = 1;
      c.first = first;
      c.shift_first = plane > 0 && i == 0;
      c.plane0_last = last_plane;
      c.drain = last;
      c.wgt_half = program_.half(Target::kWgt);
      c.wgt_base = 0;
      c.acq_wgt = task_.has_weights();
      c.rel_wgt = task_.has_weights();
      c.act_base = u32(act_split ? 0 : base);
      c.ky_n = u32(piece.ky_n);
      c.kx_n = u32(piece.kx_n);
      c.cw_n = u32(piece.words);
      c.sub_last = piece.to_last_word(view) ? whole.sub_last : u32(g.sub_blocks());
      c.inc_kx = view.dilation_w * pixel_words - (piece.words - 1);
      c.inc_ky = view.dilation_h * row_words - ((piece.kx_n - 1) * view.dilation_w * pixel_words + piece.words - 1);
      if (act_split) c.act_half = program_.half(Target::kAct);
      c.acq_act = act_split || (whole.acq_act && first);
      c.rel_act = act_split || (whole.rel_act && last);
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
  program_.compute(command, {task_.index, item.place.image, task_.images(t), item.place.y0, item.place.x0,
                             task_.rows_an_image(t), t.cols, tile.k0, tile.channels});
}

void OutputStationaryEmitter::store(const Item& item, const Tiling& t, bool last) {
  const ChannelTile& tile = task_.channel_tile(item.tile);
  StoreCommand command;
  command.count = u32(t.pixels() * task_.view.words_per_output());
  command.sig_layer = last && !task_.is_last();
  program_.store(command, {task_.index, task_.layer().output, item.place.image, task_.images(t), item.place.y0,
                           item.place.x0, task_.rows_an_image(t), t.cols, tile.k0, tile.channels, task_.view.wide});
}

}  // namespace shiftsim::sim
