// The packed form of the commands, and whether their values fit it. docs/hardware.md, "Commands".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/core/command_layout.h"

namespace shiftsim::sim {

/// Scratchpads; the index of their tokens is a Target.
inline constexpr int kTargets = kTargetCount;

/// A packed command, least significant word first.
using CommandWord = std::array<std::uint32_t, 10>;

/// A field of a command by its name; no such field is an error at compile time.
template <typename Command>
consteval CommandField command_field(std::string_view name) {
  for (const CommandField& field : command_fields<Command>())
    if (field.name == name) return field;
  throw "the command has no such field";
}

/// Bits of a command that its unit keeps.
template <typename Command>
constexpr int command_bits() {
  const CommandField& last = command_fields<Command>().back();
  return last.lsb + last.bits;
}

/// A value outside its field's range.
struct FieldMisfit {
  CommandField field;
  std::int64_t value = 0;
};

/// The first field whose value does not fit, or nothing. For those who fill commands in, before they pack them.
template <typename Command>
constexpr std::optional<FieldMisfit> find_misfit(const Command& command) {
  const auto values = command_values(command);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const CommandField& field = command_fields<Command>()[i];
    if (values[i] < field.lowest() || values[i] > field.highest()) return FieldMisfit{field, values[i]};
  }
  return std::nullopt;
}

/// Throws InternalError naming the field if a value does not fit.
CommandWord pack(const LoadCommand& command);
CommandWord pack(const ComputeCommand& command);
CommandWord pack(const StoreCommand& command);
/// The 56 bits of a channel's entry in the PPU's table; throws like the others.
std::uint64_t pack(const TableEntry& entry);

}  // namespace shiftsim::sim
