// One PPU lane's arithmetic: stage B1 (offset, bias, residual) and stage B2 (shift, clamp). rtl/shiftsim_ppu_lane.sv.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "sim/core/commands.h"

namespace shiftsim::sim {

namespace ppu_lane {

/// A field of a packed entry.
constexpr std::int32_t field(std::uint64_t entry, const CommandField& field) {
  const auto value = static_cast<std::uint32_t>(entry >> field.lsb);
  const int unused = 32 - field.bits;
  return field.is_signed ? static_cast<std::int32_t>(value << unused) >> unused
                         : static_cast<std::int32_t>(value << unused >> unused);
}

inline std::uint32_t shift_left(std::uint32_t value, int amount) {
  return amount > 31 ? 0 : value << amount;
}

/// The entry of a lane. Reads 8 bytes from the entry's first on.
inline TableEntry entry(const std::uint8_t* word, int lane) {
  constexpr int kEntryBytes = 7;
  std::uint64_t raw = 0;
  std::memcpy(&raw, word + kEntryBytes * lane, kEntryBytes);
  constexpr CommandField kBias = command_field<TableEntry>("bias"), kN = command_field<TableEntry>("n"),
                         kC = command_field<TableEntry>("c"), kRs = command_field<TableEntry>("rs"),
                         kHi = command_field<TableEntry>("hi");
  return {field(raw, kBias), field(raw, kN), field(raw, kC), field(raw, kRs),
          static_cast<std::uint32_t>(field(raw, kHi))};
}

/// The residual at the accumulator's exponent: shifted left exactly, or right with rounding half up.
inline std::uint32_t residual(std::int32_t r, std::int32_t rs) {
  if (rs >= 0) return shift_left(static_cast<std::uint32_t>(r), rs);
  const std::uint32_t rounded = static_cast<std::uint32_t>(r) + (1U << (-rs - 1));
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(rounded) >> std::min(-rs, 31));
}

/// 2A + c*S where the layer has offsets, plus the bias; modulo 2^32.
inline std::uint32_t sum(std::int32_t acc, std::int32_t s, bool has_offset, const TableEntry& entry) {
  auto v = static_cast<std::uint32_t>(acc);
  if (has_offset) v = (v << 1) + static_cast<std::uint32_t>(entry.c) * static_cast<std::uint32_t>(s);
  return v + static_cast<std::uint32_t>(entry.bias);
}

/// v >>> n, or v << -n.
inline std::int32_t requantize(std::int32_t v, std::int32_t n) {
  return n > 0 ? v >> n : static_cast<std::int32_t>(shift_left(static_cast<std::uint32_t>(v), -n));
}

}  // namespace ppu_lane
}  // namespace shiftsim::sim
