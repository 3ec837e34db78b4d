#include "sim/config/config.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/text.h"
#include "sim/config/settings.h"

namespace shiftsim::sim {

const char* to_string(Fidelity fidelity) {
  return std::ranges::find(kFidelities, fidelity, &FidelityName::fidelity)->name;
}

std::vector<std::string> fidelity_names() {
  std::vector<std::string> names;
  for (const FidelityName& known : kFidelities) names.emplace_back(known.name);
  return names;
}

Fidelity fidelity_from(const std::string& name) {
  const auto* found = std::ranges::find(kFidelities, name, &FidelityName::name);
  if (found != std::end(kFidelities)) return found->fidelity;
  fail("found '{}', expected one of {}{}", name, join(fidelity_names()), suggestion(name, fidelity_names()));
}

WordBits AcceleratorConfig::word_bits() const {
  const int n = array.cols, l = array.lanes, q = array.ppu_lanes;
  return {.activation = 8 * n,
          .weight_pair = 2 * n * l,
          .weight_carry = n * l,
          .table = 56 * q,
          .residual = 8 * n,
          .output = 8 * n,
          .lut = 32};
}

Depths AcceleratorConfig::depths() const {
  const WordBits bits = word_bits();
  const auto words = [](int kib, int word_bits, int banks) {
    return static_cast<int>(std::int64_t{kib} * 8192 / (std::int64_t{word_bits} * banks * 2));
  };
  return {.activation = words(scratchpad.activation_kib, bits.activation, array.pixels()),
          .weight = words(scratchpad.weight_kib, bits.weight(), 1),
          .table = words(scratchpad.table_kib, bits.table, 1),
          .residual = words(scratchpad.residual_kib, bits.residual, 1),
          .output = words(scratchpad.output_kib, bits.output, 1)};
}

int AcceleratorConfig::load_bits() const {
  const WordBits bits = word_bits();
  return std::max({bits.activation, bits.weight_pair, bits.table});
}

int auto_lanes(int rows, int cols) {
  int lanes = std::max(1, std::min({4, rows, cols}));
  while (rows % lanes != 0) --lanes;
  return lanes;
}

int auto_ppu_lanes(int cols) {
  return (cols + 1) / 2;
}

ScratchpadConfig auto_scratchpads(const ArrayConfig& array) {
  AcceleratorConfig config;
  config.array = array;
  const WordBits bits = config.word_bits();
  const auto kib = [](std::int64_t word_bits, std::int64_t words) {
    return static_cast<int>((word_bits * words * 2 + 8191) / 8192);
  };
  const int pixels = array.lanes > 0 ? array.pixels() : 1;
  return {.activation_kib = kib(std::int64_t{bits.activation} * pixels, 1024),
          .weight_kib = kib(bits.weight(), 2048),
          .table_kib = kib(bits.table, 64),
          .residual_kib = kib(bits.residual, 1024),
          .output_kib = kib(bits.output, 1024)};
}

void resolve_auto(AcceleratorConfig& config) {
  ArrayConfig& array = config.array;
  if (array.lanes == kAuto) array.lanes = auto_lanes(array.rows, array.cols);
  if (array.ppu_lanes == kAuto) array.ppu_lanes = auto_ppu_lanes(array.cols);
  const ScratchpadConfig automatic = auto_scratchpads(array);
  for (const auto member :
       {&ScratchpadConfig::activation_kib, &ScratchpadConfig::weight_kib, &ScratchpadConfig::table_kib,
        &ScratchpadConfig::residual_kib, &ScratchpadConfig::output_kib}) {
    if (config.scratchpad.*member == kAuto) config.scratchpad.*member = automatic.*member;
  }
}

AcceleratorConfig make_accelerator(int rows, int cols, int lanes, int ppu_lanes) {
  AcceleratorConfig config;
  config.name = fmt::format("pe{}x{}", rows, cols);
  config.array = {.rows = rows, .cols = cols, .lanes = lanes, .ppu_lanes = ppu_lanes};
  config.scratchpad = {kAuto, kAuto, kAuto, kAuto, kAuto};
  resolve_auto(config);
  validate(config);
  return config;
}

}  // namespace shiftsim::sim
