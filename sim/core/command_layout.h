// Written by scripts/generate_commands from rtl/commands.table.
// The fields of the commands and of the PPU's table, their widths and places: docs/hardware.md, "Commands".
#pragma once

// clang-format off

#include <array>
#include <cstdint>

namespace shiftsim::sim {

/// Where a field lies in its packed word, and which values it takes.
struct CommandField {
  const char* name;
  int lsb;  ///< its lowest bit
  int bits;
  bool is_signed;

  constexpr std::int64_t lowest() const { return is_signed ? -(std::int64_t{1} << (bits - 1)) : 0; }
  constexpr std::int64_t highest() const { return (std::int64_t{1} << (is_signed ? bits - 1 : bits)) - 1; }
};

/// The fields of a command, from bit 0 upward.
template <typename Command>
constexpr const auto& command_fields();

/// A scratchpad.
enum class Target : std::uint8_t {
  kAct = 0,  ///< activations, a bank for each slot
  kWgt = 1,  ///< weights
  kTab = 2,  ///< the PPU's tables
  kRes = 3,  ///< residuals
  kOut = 4,  ///< outputs
};
inline constexpr int kTargetCount = 5;

/// What the array computes.
enum class Mode : std::uint8_t {
  kConv = 0,       ///< convolution
  kDepthwise = 1,  ///< depthwise convolution
  kMax = 2,        ///< max pooling
};

/// What the COMPUTE unit does in a cycle.
enum class ExState : std::uint8_t {
  kNoCommand = 0,  ///< idle
  kWaitAct = 1,    ///< a token is missing
  kWaitWgt = 2,    ///< a token is missing
  kWaitTab = 3,    ///< a token is missing
  kWaitRes = 4,    ///< a token is missing
  kWaitOut = 5,    ///< a token is missing
  kSetup = 6,      ///< takes a command and its tokens
  kRun = 7,        ///< issues a step
  kPpuStall = 8,   ///< the array waits for the PPU
};

/// What the issuing side of the LOAD unit does in a cycle.
enum class LdState : std::uint8_t {
  kNoCommand = 0,    ///< idle
  kWaitCredit = 1,   ///< no half is free
  kWaitBarrier = 2,  ///< the layer before is not stored
  kPendingFull = 3,  ///< two requests wait for their data
  kRequest = 4,      ///< a request is offered
};

/// LOAD: fills a scratchpad.
struct LoadCommand {
  Target target = Target::kAct;    ///< 0 ACT, 1 WGT, 2 TAB, 3 RES
  bool half = false;               ///< the half to fill
  bool acquire = false;            ///< tokens, below
  bool signal = false;             ///< tokens, below
  bool barrier = false;            ///< tokens, below
  std::uint32_t base = 0;          ///< first word
  std::uint32_t count = 0;         ///< words
  std::uint32_t dma_id = 0;        ///< names the transfer to the DMA
  std::uint32_t seg = 0;           ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t m_tile = 0;        ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t tw = 0;            ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t seg_x = 0;         ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t seg_xa = 0;        ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t tw_xa = 0;         ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t seg_off = 0;       ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t row_off = 0;       ///< ACT: slots and their windows; LOAD unit, below
  std::uint32_t win_len = 0;       ///< ACT: words of a window
  std::uint32_t carry_stride = 0;  ///< WGT: words from a digit plane to the next less significant one
  bool lut = false;                ///< TAB: the words are those of an activation table
};
inline constexpr std::array<CommandField, 19> kLoadCommandFields = {{
    {"target", 0, 2, false},
    {"half", 2, 1, false},
    {"acquire", 3, 1, false},
    {"signal", 4, 1, false},
    {"barrier", 5, 1, false},
    {"base", 6, 16, false},
    {"count", 22, 24, false},
    {"dma_id", 46, 32, false},
    {"seg", 78, 16, false},
    {"m_tile", 94, 16, false},
    {"tw", 110, 16, false},
    {"seg_x", 126, 16, false},
    {"seg_xa", 142, 16, false},
    {"tw_xa", 158, 16, false},
    {"seg_off", 174, 24, false},
    {"row_off", 198, 24, false},
    {"win_len", 222, 16, false},
    {"carry_stride", 238, 16, false},
    {"lut", 254, 1, false},
}};
template <>
constexpr const auto& command_fields<LoadCommand>() {
  return kLoadCommandFields;
}
/// The values in the order of kLoadCommandFields.
constexpr std::array<std::int64_t, 19> command_values(const LoadCommand& c) {
  return {
      static_cast<std::int64_t>(c.target),
      static_cast<std::int64_t>(c.half),
      static_cast<std::int64_t>(c.acquire),
      static_cast<std::int64_t>(c.signal),
      static_cast<std::int64_t>(c.barrier),
      static_cast<std::int64_t>(c.base),
      static_cast<std::int64_t>(c.count),
      static_cast<std::int64_t>(c.dma_id),
      static_cast<std::int64_t>(c.seg),
      static_cast<std::int64_t>(c.m_tile),
      static_cast<std::int64_t>(c.tw),
      static_cast<std::int64_t>(c.seg_x),
      static_cast<std::int64_t>(c.seg_xa),
      static_cast<std::int64_t>(c.tw_xa),
      static_cast<std::int64_t>(c.seg_off),
      static_cast<std::int64_t>(c.row_off),
      static_cast<std::int64_t>(c.win_len),
      static_cast<std::int64_t>(c.carry_stride),
      static_cast<std::int64_t>(c.lut),
  };
}

/// COMPUTE: computes a tile, or a piece of its reduction.
struct ComputeCommand {
  Mode mode = Mode::kConv;     ///< 0 conv, 1 depthwise, 2 max
  bool act_signed = false;     ///< activations are signed
  bool has_offset = false;     ///< weights have offsets
  bool has_res = false;        ///< a residual is added
  bool res_signed = false;     ///< it is signed
  bool wide = false;           ///< 32-bit output
  bool first = true;           ///< where this command stands in a reduction that is split
  bool shift_first = false;    ///< where this command stands in a reduction that is split
  bool plane0_last = true;     ///< where this command stands in a reduction that is split
  bool drain = true;           ///< where this command stands in a reduction that is split
  bool act_half = false;       ///< halves to work on
  bool wgt_half = false;       ///< halves to work on
  bool tab_half = false;       ///< halves to work on
  bool res_half = false;       ///< halves to work on
  bool out_half = false;       ///< halves to work on
  bool acq_act = false;        ///< tokens to take
  bool acq_wgt = false;        ///< tokens to take
  bool acq_tab = false;        ///< tokens to take
  bool acq_res = false;        ///< tokens to take
  bool acq_out = false;        ///< tokens to take
  bool rel_act = false;        ///< tokens to give
  bool rel_wgt = false;        ///< tokens to give
  bool rel_tab = false;        ///< tokens to give
  bool rel_res = false;        ///< tokens to give
  bool sig_out = false;        ///< tokens to give
  std::uint32_t planes = 1;    ///< digit planes
  std::uint32_t seg = 1;       ///< pixels of a slot
  std::uint32_t m_tile = 1;    ///< pixels of the tile
  std::uint32_t tw = 1;        ///< pixels of a row of the tile
  std::uint32_t x_inc = 0;     ///< address step to the next pixel of a row
  std::int32_t row_inc = 0;    ///< address step to the next row
  std::uint32_t sub_last = 1;  ///< sub-blocks of the last channel word
  std::uint32_t cw_n = 1;      ///< channel words
  std::uint32_t kx_n = 1;      ///< kernel width and height
  std::uint32_t ky_n = 1;      ///< kernel width and height
  std::int32_t inc_kx = 0;     ///< address steps along the kernel
  std::int32_t inc_ky = 0;     ///< address steps along the kernel
  std::uint32_t act_base = 0;  ///< first words
  std::uint32_t wgt_base = 0;  ///< first words
  std::uint32_t tab_base = 0;  ///< first words
  std::uint32_t res_base = 0;  ///< first words
  std::uint32_t out_base = 0;  ///< first words
  std::int32_t lo = 0;         ///< lower clamp
  bool use_lut = false;        ///< outputs go through the activation table
  bool lut_half = false;       ///< its half
};
inline constexpr std::array<CommandField, 45> kComputeCommandFields = {{
    {"mode", 0, 2, false},
    {"act_signed", 2, 1, false},
    {"has_offset", 3, 1, false},
    {"has_res", 4, 1, false},
    {"res_signed", 5, 1, false},
    {"wide", 6, 1, false},
    {"first", 7, 1, false},
    {"shift_first", 8, 1, false},
    {"plane0_last", 9, 1, false},
    {"drain", 10, 1, false},
    {"act_half", 11, 1, false},
    {"wgt_half", 12, 1, false},
    {"tab_half", 13, 1, false},
    {"res_half", 14, 1, false},
    {"out_half", 15, 1, false},
    {"acq_act", 16, 1, false},
    {"acq_wgt", 17, 1, false},
    {"acq_tab", 18, 1, false},
    {"acq_res", 19, 1, false},
    {"acq_out", 20, 1, false},
    {"rel_act", 21, 1, false},
    {"rel_wgt", 22, 1, false},
    {"rel_tab", 23, 1, false},
    {"rel_res", 24, 1, false},
    {"sig_out", 25, 1, false},
    {"planes", 26, 3, false},
    {"seg", 29, 16, false},
    {"m_tile", 45, 16, false},
    {"tw", 61, 16, false},
    {"x_inc", 77, 16, false},
    {"row_inc", 93, 16, true},
    {"sub_last", 109, 8, false},
    {"cw_n", 117, 16, false},
    {"kx_n", 133, 8, false},
    {"ky_n", 141, 8, false},
    {"inc_kx", 149, 16, true},
    {"inc_ky", 165, 16, true},
    {"act_base", 181, 16, false},
    {"wgt_base", 197, 16, false},
    {"tab_base", 213, 16, false},
    {"res_base", 229, 16, false},
    {"out_base", 245, 16, false},
    {"lo", 261, 8, true},
    {"use_lut", 269, 1, false},
    {"lut_half", 270, 1, false},
}};
template <>
constexpr const auto& command_fields<ComputeCommand>() {
  return kComputeCommandFields;
}
/// The values in the order of kComputeCommandFields.
constexpr std::array<std::int64_t, 45> command_values(const ComputeCommand& c) {
  return {
      static_cast<std::int64_t>(c.mode),
      static_cast<std::int64_t>(c.act_signed),
      static_cast<std::int64_t>(c.has_offset),
      static_cast<std::int64_t>(c.has_res),
      static_cast<std::int64_t>(c.res_signed),
      static_cast<std::int64_t>(c.wide),
      static_cast<std::int64_t>(c.first),
      static_cast<std::int64_t>(c.shift_first),
      static_cast<std::int64_t>(c.plane0_last),
      static_cast<std::int64_t>(c.drain),
      static_cast<std::int64_t>(c.act_half),
      static_cast<std::int64_t>(c.wgt_half),
      static_cast<std::int64_t>(c.tab_half),
      static_cast<std::int64_t>(c.res_half),
      static_cast<std::int64_t>(c.out_half),
      static_cast<std::int64_t>(c.acq_act),
      static_cast<std::int64_t>(c.acq_wgt),
      static_cast<std::int64_t>(c.acq_tab),
      static_cast<std::int64_t>(c.acq_res),
      static_cast<std::int64_t>(c.acq_out),
      static_cast<std::int64_t>(c.rel_act),
      static_cast<std::int64_t>(c.rel_wgt),
      static_cast<std::int64_t>(c.rel_tab),
      static_cast<std::int64_t>(c.rel_res),
      static_cast<std::int64_t>(c.sig_out),
      static_cast<std::int64_t>(c.planes),
      static_cast<std::int64_t>(c.seg),
      static_cast<std::int64_t>(c.m_tile),
      static_cast<std::int64_t>(c.tw),
      static_cast<std::int64_t>(c.x_inc),
      static_cast<std::int64_t>(c.row_inc),
      static_cast<std::int64_t>(c.sub_last),
      static_cast<std::int64_t>(c.cw_n),
      static_cast<std::int64_t>(c.kx_n),
      static_cast<std::int64_t>(c.ky_n),
      static_cast<std::int64_t>(c.inc_kx),
      static_cast<std::int64_t>(c.inc_ky),
      static_cast<std::int64_t>(c.act_base),
      static_cast<std::int64_t>(c.wgt_base),
      static_cast<std::int64_t>(c.tab_base),
      static_cast<std::int64_t>(c.res_base),
      static_cast<std::int64_t>(c.out_base),
      static_cast<std::int64_t>(c.lo),
      static_cast<std::int64_t>(c.use_lut),
      static_cast<std::int64_t>(c.lut_half),
  };
}

/// STORE: hands finished words to the DMA.
struct StoreCommand {
  bool half = false;         ///< the half to read
  bool acquire = true;       ///< tokens, below
  bool rel_out = true;       ///< tokens, below
  bool sig_layer = false;    ///< tokens, below
  std::uint32_t base = 0;    ///< first word
  std::uint32_t count = 0;   ///< words
  std::uint32_t dma_id = 0;  ///< names the transfer to the DMA
};
inline constexpr std::array<CommandField, 7> kStoreCommandFields = {{
    {"half", 0, 1, false},
    {"acquire", 1, 1, false},
    {"rel_out", 2, 1, false},
    {"sig_layer", 3, 1, false},
    {"base", 4, 16, false},
    {"count", 20, 16, false},
    {"dma_id", 36, 32, false},
}};
template <>
constexpr const auto& command_fields<StoreCommand>() {
  return kStoreCommandFields;
}
/// The values in the order of kStoreCommandFields.
constexpr std::array<std::int64_t, 7> command_values(const StoreCommand& c) {
  return {
      static_cast<std::int64_t>(c.half),
      static_cast<std::int64_t>(c.acquire),
      static_cast<std::int64_t>(c.rel_out),
      static_cast<std::int64_t>(c.sig_layer),
      static_cast<std::int64_t>(c.base),
      static_cast<std::int64_t>(c.count),
      static_cast<std::int64_t>(c.dma_id),
  };
}

/// TAB: what the PPU knows of a channel.
struct TableEntry {
  std::int32_t bias = 0;  ///< bias, with 1 << (n-1) folded in where n > 0
  std::int32_t n = 0;     ///< right shift of the result, -31..31
  std::int32_t c = 0;     ///< offset of the channel's weights
  std::int32_t rs = 0;    ///< left shift of the residual, -31..31
  std::uint32_t hi = 0;   ///< upper clamp
};
inline constexpr std::array<CommandField, 5> kTableEntryFields = {{
    {"bias", 0, 32, true},
    {"n", 32, 6, true},
    {"c", 38, 4, true},
    {"rs", 42, 6, true},
    {"hi", 48, 8, false},
}};
template <>
constexpr const auto& command_fields<TableEntry>() {
  return kTableEntryFields;
}
/// The values in the order of kTableEntryFields.
constexpr std::array<std::int64_t, 5> command_values(const TableEntry& c) {
  return {
      static_cast<std::int64_t>(c.bias),
      static_cast<std::int64_t>(c.n),
      static_cast<std::int64_t>(c.c),
      static_cast<std::int64_t>(c.rs),
      static_cast<std::int64_t>(c.hi),
  };
}

}  // namespace shiftsim::sim
