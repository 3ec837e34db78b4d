// The 320-bit commands of the LOAD, COMPUTE and STORE queues. docs/hardware.md, "Commands": same names, same order.
#pragma once

#include <array>
#include <cstdint>

namespace shiftsim::sim {

enum class Target : std::uint8_t { kAct = 0, kWgt = 1, kTab = 2, kRes = 3, kOut = 4 };
inline constexpr int kTargets = 5;

enum class Mode : std::uint8_t { kConv = 0, kDepthwise = 1, kMax = 2 };

/// A packed command, least significant word first.
using CommandWord = std::array<std::uint32_t, 10>;

struct LoadCommand {
  Target target = Target::kAct;
  bool half = false, acquire = false, signal = false, barrier = false;
  std::uint32_t base = 0, count = 0, dma_id = 0;
  // ACT: the walk over the slots and the bank windows.
  std::uint32_t seg = 0, m_tile = 0, tw = 0, seg_x = 0, seg_xa = 0, tw_xa = 0, seg_off = 0, row_off = 0, win_len = 0;
  // WGT: words between a digit plane and the next less significant one.
  std::uint32_t carry_stride = 0;
};

struct ComputeCommand {
  Mode mode = Mode::kConv;
  bool act_signed = false, has_offset = false, has_res = false, res_signed = false, wide = false;
  bool first = true, shift_first = false, plane0_last = true, drain = true;
  bool act_half = false, wgt_half = false, tab_half = false, res_half = false, out_half = false;
  bool acq_act = false, acq_wgt = false, acq_tab = false, acq_res = false, acq_out = false;
  bool rel_act = false, rel_wgt = false, rel_tab = false, rel_res = false, sig_out = false;
  std::uint32_t planes = 1, seg = 1, m_tile = 1, tw = 1, x_inc = 0;
  std::int32_t row_inc = 0;
  std::uint32_t sub_last = 1, cw_n = 1, kx_n = 1, ky_n = 1;
  std::int32_t inc_kx = 0, inc_ky = 0;
  std::uint32_t act_base = 0, wgt_base = 0, tab_base = 0, res_base = 0, out_base = 0;
  std::int32_t lo = 0;
};

struct StoreCommand {
  bool half = false, acquire = true, release = true, sig_layer = false;
  std::uint32_t base = 0, count = 0, dma_id = 0;
};

/// Packing checks every field against its width (InternalError naming the field).
CommandWord pack(const LoadCommand& command);
CommandWord pack(const ComputeCommand& command);
CommandWord pack(const StoreCommand& command);

}  // namespace shiftsim::sim
