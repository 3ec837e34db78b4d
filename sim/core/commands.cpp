#include "sim/core/commands.h"

#include "common/error.h"

namespace shiftsim::sim {
namespace {

/// Appends fields from bit 0 upward.
class Packer {
public:
  void put(const char* name, std::uint32_t value, int width) {
    SHIFTSIM_CHECK(width == 32 || value < (1ULL << width), "command field {}: {} does not fit {} bits", name, value,
                   width);
    for (int bit = 0; bit < width; ++bit, ++position_)
      word_[static_cast<std::size_t>(position_ / 32)] |= ((value >> bit) & 1U) << (position_ % 32);
  }
  void put_signed(const char* name, std::int32_t value, int width) {
    SHIFTSIM_CHECK(value >= -(1 << (width - 1)) && value < (1 << (width - 1)),
                   "command field {}: {} does not fit {} bits", name, value, width);
    put(name, static_cast<std::uint32_t>(value) & ((1U << width) - 1U), width);
  }
  const CommandWord& word() const { return word_; }

private:
  CommandWord word_{};
  int position_ = 0;
};

}  // namespace

#define FIELD(name, width) packer.put(#name, static_cast<std::uint32_t>(c.name), width)
#define FIELD_SIGNED(name, width) packer.put_signed(#name, c.name, width)

CommandWord pack(const LoadCommand& c) {
  Packer packer;
  FIELD(target, 2), FIELD(half, 1), FIELD(acquire, 1), FIELD(signal, 1), FIELD(barrier, 1);
  FIELD(base, 16), FIELD(count, 24), FIELD(dma_id, 32);
  FIELD(seg, 16), FIELD(m_tile, 16), FIELD(tw, 16), FIELD(seg_x, 16), FIELD(seg_xa, 16), FIELD(tw_xa, 16);
  FIELD(seg_off, 24), FIELD(row_off, 24), FIELD(win_len, 16), FIELD(carry_stride, 16);
  return packer.word();
}

CommandWord pack(const ComputeCommand& c) {
  Packer packer;
  FIELD(mode, 2), FIELD(act_signed, 1), FIELD(has_offset, 1), FIELD(has_res, 1), FIELD(res_signed, 1), FIELD(wide, 1);
  FIELD(first, 1), FIELD(shift_first, 1), FIELD(plane0_last, 1), FIELD(drain, 1);
  FIELD(act_half, 1), FIELD(wgt_half, 1), FIELD(tab_half, 1), FIELD(res_half, 1), FIELD(out_half, 1);
  FIELD(acq_act, 1), FIELD(acq_wgt, 1), FIELD(acq_tab, 1), FIELD(acq_res, 1), FIELD(acq_out, 1);
  FIELD(rel_act, 1), FIELD(rel_wgt, 1), FIELD(rel_tab, 1), FIELD(rel_res, 1), FIELD(sig_out, 1);
  FIELD(planes, 3), FIELD(seg, 16), FIELD(m_tile, 16), FIELD(tw, 16), FIELD(x_inc, 16), FIELD_SIGNED(row_inc, 16);
  FIELD(sub_last, 8), FIELD(cw_n, 16), FIELD(kx_n, 8), FIELD(ky_n, 8), FIELD_SIGNED(inc_kx, 16),
      FIELD_SIGNED(inc_ky, 16);
  FIELD(act_base, 16), FIELD(wgt_base, 16), FIELD(tab_base, 16), FIELD(res_base, 16), FIELD(out_base, 16);
  FIELD_SIGNED(lo, 8);
  return packer.word();
}

CommandWord pack(const StoreCommand& c) {
  Packer packer;
  FIELD(half, 1), FIELD(acquire, 1), FIELD(release, 1), FIELD(sig_layer, 1), FIELD(base, 16), FIELD(count, 16),
      FIELD(dma_id, 32);
  return packer.word();
}

#undef FIELD
#undef FIELD_SIGNED

}  // namespace shiftsim::sim
