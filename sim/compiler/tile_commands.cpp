#include "sim/compiler/tile_commands.h"

namespace shiftsim::sim {

LoadCommand activation_load(const LayerView& view, const Tiling& t) {
  LoadCommand load;
  load.target = Target::kAct;
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
  return load;
}

LoadCommand piece_load(const LayerView& view, const ReductionPiece& piece, int images) {
  LoadCommand load;
  load.target = Target::kAct;
  load.win_len = u32(std::int64_t{piece.rows(view)} * piece.cols(view) * piece.words);
  load.count = u32(images) * load.win_len;
  load.seg = 1;
  load.m_tile = u32(images);
  load.tw = 1;
  // Each slot's image behind that of the slot before. An only image may go to all slots.
  if (images > 1) load.seg_off = load.win_len;
  return load;
}

ComputeCommand tile_compute(const LayerTask& task, const Tiling& t) {
  const LayerView& view = task.view;
  const qnet::Layer& layer = task.layer();
  ComputeCommand c;
  c.mode = view.mode;
  c.act_signed = task.in().is_signed;
  c.has_offset = view.has_offset;
  c.has_res = task.has_residual();
  c.wide = view.wide;
  c.use_lut = task.has_table();
  c.res_signed = c.has_res && task.network.tensors[static_cast<std::size_t>(layer.residual)].is_signed;
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
  // A maximum is within its input's range; its clamp must let everything pass.
  if (!view.wide) c.lo = view.mode == Mode::kMax ? task.out().low() : layer.lo;
  return c;
}

ComputeCommand piece_compute(const ComputeCommand& whole, const LayerTask& task, const Tiling& t,
                             const ReductionPiece& piece, bool act_split) {
  const LayerView& view = task.view;
  // Addresses of a whole window, or of the piece alone.
  const int row_words = act_split ? piece.cols(view) * piece.words : t.row_words;
  const int pixel_words = act_split ? piece.words : view.words;
  const int base = piece.ky * view.dilation_h * row_words + piece.kx * view.dilation_w * pixel_words + piece.word;
  ComputeCommand c = whole;
  c.planes = 1;
  c.act_base = u32(act_split ? 0 : base);
  c.ky_n = u32(piece.ky_n);
  c.kx_n = u32(piece.kx_n);
  c.cw_n = u32(piece.words);
  c.sub_last = piece.to_last_word(view) ? whole.sub_last : u32(task.geometry.sub_blocks());
  c.inc_kx = view.dilation_w * pixel_words - (piece.words - 1);
  c.inc_ky = view.dilation_h * row_words - ((piece.kx_n - 1) * view.dilation_w * pixel_words + piece.words - 1);
  return c;
}

}  // namespace shiftsim::sim
