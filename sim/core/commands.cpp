#include "sim/core/commands.h"

#include "common/error.h"

namespace shiftsim::sim {
namespace {

template <typename Command>
CommandWord packed(const Command& command) {
  if (const auto misfit = find_misfit(command))
    SHIFTSIM_CHECK(false, "command field {}: {} does not fit {} bits", misfit->field.name, misfit->value,
                   misfit->field.bits);
  CommandWord word{};
  const auto values = command_values(command);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const CommandField& field = command_fields<Command>()[i];
    for (int bit = 0; bit < field.bits; ++bit) {
      const int at = field.lsb + bit;
      word[static_cast<std::size_t>(at / 32)] |= static_cast<std::uint32_t>((values[i] >> bit) & 1) << (at % 32);
    }
  }
  return word;
}

}  // namespace

CommandWord pack(const LoadCommand& command) {
  return packed(command);
}
CommandWord pack(const ComputeCommand& command) {
  return packed(command);
}
CommandWord pack(const StoreCommand& command) {
  return packed(command);
}
std::uint64_t pack(const TableEntry& entry) {
  const CommandWord word = packed(entry);
  return word[0] | std::uint64_t{word[1]} << 32;
}

}  // namespace shiftsim::sim
