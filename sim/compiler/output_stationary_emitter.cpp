#include "sim/compiler/output_stationary_emitter.h"

#include "sim/compiler/reduction_split.h"
#include "sim/compiler/tile_commands.h"
#include "sim/compiler/tile_reads.h"

namespace shiftsim::sim {

void OutputStationaryEmitter::emit() {
  const std::vector<TileItem> items = tile_items(task_, mapping_);
  if (task_.has_table()) parameters_.load_lut();
  for (const TileItem& item : items) emit_item(item, &item == &items.back());
}

void OutputStationaryEmitter::emit_item(const TileItem& item, bool last) {
  const Tiling t = task_.tiling_at(mapping_.tiling, item.place);
  // Weights first: they need not wait for the layer before.
  if (item.first_of_weights) load_parameters(item);
  // With 'act_split' each piece loads its own.
  if (item.first_of_act && !mapping_.act_split) {
    load_activations(activation_read(task_, t, item.place, item.tile), activation_load(task_.view, t));
    act_halves_.push_back(program_.half(Target::kAct));
  }
  if (task_.has_residual()) load_residual(item, t);
  program_.flip(Target::kOut);
  const ComputeCommand command = compute_command(item, t);
  if (mapping_.k_split)
    compute_pieces(item, t, command);
  else
    compute(command, item, t);
  store(item, t, last);
}

void OutputStationaryEmitter::load_parameters(const TileItem& item) {
  parameters_.load_block(item.tile - place_in_block(item.tile));
  block_halves_.push_back({program_.half(Target::kWgt), program_.half(Target::kTab)});
}

void OutputStationaryEmitter::load_activations(const ReadProgram& read, LoadCommand load) {
  load.barrier = barrier_pending_;
  barrier_pending_ = false;
  program_.load(Target::kAct, read, load);
}

void OutputStationaryEmitter::load_residual(const TileItem& item, const Tiling& t) {
  LoadCommand load;
  load.count = u32(t.pixels());
  program_.load(Target::kRes, residual_read(task_, t, item.place, item.tile), load);
}

ComputeCommand OutputStationaryEmitter::compute_command(const TileItem& item, const Tiling& t) const {
  const BlockHalves& block = block_halves_[item.weights];
  ComputeCommand c = tile_compute(task_, t);
  c.act_half = !mapping_.act_split && act_halves_[item.act];
  c.wgt_half = block.weights;
  c.tab_half = block.tables;
  c.res_half = program_.half(Target::kRes);
  c.out_half = program_.half(Target::kOut);
  c.lut_half = c.use_lut && program_.lut_half();
  c.wgt_base = u32(place_in_block(item.tile) * task_.weight_words());
  c.tab_base = u32(place_in_block(item.tile) * task_.geometry.ppu_beats());
  c.acq_act = item.first_of_act;
  c.rel_act = item.last_of_act;
  c.acq_wgt = item.first_of_weights && task_.has_weights();
  c.rel_wgt = item.last_of_weights && task_.has_weights();
  c.acq_tab = item.first_of_weights;
  c.rel_tab = item.last_of_weights;
  c.acq_res = c.has_res;
  c.rel_res = c.has_res;
  c.acq_out = true;
  c.sig_out = true;
  return c;
}

void OutputStationaryEmitter::compute_pieces(const TileItem& item, const Tiling& t, const ComputeCommand& whole) {
  const LayerView& view = task_.view;
  const bool act_split = mapping_.act_split;
  const std::vector<ReductionPiece> pieces = split_reduction(view, task_.geometry, act_split);
  // Plane by plane, because the accumulators are shifted between planes.
  for (int plane = 0; plane < view.planes; ++plane)
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const ReductionPiece& piece = pieces[i];
      const bool last_plane = plane == view.planes - 1;
      const bool first = plane == 0 && i == 0, last = last_plane && i + 1 == pieces.size();
      if (task_.has_weights()) parameters_.load_piece(item.tile, piece, i, plane);
      if (act_split)
        load_activations(piece_read(task_, t, piece, item.place, item.tile), piece_load(view, piece, task_.images(t)));
      ComputeCommand c = piece_compute(whole, task_, t, piece, act_split);
      c.first = first;
      c.shift_first = plane > 0 && i == 0;
      c.plane0_last = last_plane;
      c.drain = last;
      c.wgt_half = program_.half(Target::kWgt);
      c.wgt_base = 0;
      c.acq_wgt = task_.has_weights();
      c.rel_wgt = task_.has_weights();
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

void OutputStationaryEmitter::compute(const ComputeCommand& command, const TileItem& item, const Tiling& t) {
  const ChannelTile& tile = task_.channel_tile(item.tile);
  program_.compute(command, {task_.index, item.place.image, task_.images(t), item.place.y0, item.place.x0,
                             task_.rows_an_image(t), t.cols, tile.k0, tile.channels});
}

void OutputStationaryEmitter::store(const TileItem& item, const Tiling& t, bool last) {
  const ChannelTile& tile = task_.channel_tile(item.tile);
  StoreCommand command;
  command.count = u32(t.pixels() * task_.view.words_per_output());
  command.sig_layer = last && !task_.is_last();
  program_.store(command, {task_.index, task_.layer().output, item.place.image, task_.images(t), item.place.y0,
                           item.place.x0, task_.rows_an_image(t), t.cols, tile.k0, tile.channels, task_.view.wide});
}

}  // namespace shiftsim::sim
