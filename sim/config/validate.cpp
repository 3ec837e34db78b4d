#include "sim/config/validate.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "common/error.h"
#include "common/locations.h"
#include "common/suggestion.h"
#include "common/yaml.h"
#include "sim/config/mutants.h"
#include "sim/config/settings.h"

namespace shiftsim::sim {
namespace {

constexpr int kMaxDepth = 65536;

std::string divisors(int rows, int limit) {
  std::string list;
  for (int d = 1; d <= std::min(rows, limit); ++d) {
    if (rows % d == 0) list += (list.empty() ? "" : ", ") + std::to_string(d);
  }
  return list;
}

void check_depth(const char* key, int kib, int words, std::int64_t word_bits, int banks, const Complain& complain) {
  const std::int64_t bits = word_bits * banks * 2;  // one word of both halves
  if (words < 1) {
    complain(fmt::format("scratchpad.{}", key),
             fmt::format("{} KiB hold no word of each half ({} bits{} each); it needs at least {} KiB", kib, word_bits,
                         banks > 1 ? fmt::format(" in each of {} banks", banks) : "", (bits + 8191) / 8192));
  }
  if (words > kMaxDepth) {
    complain(fmt::format("scratchpad.{}", key),
             fmt::format("{} KiB are {} words of {} bits in a half, but addresses reach {}: at most {} KiB", kib, words,
                         word_bits, kMaxDepth, bits * kMaxDepth / 8192));
  }
}

void check_side(const char* key, int value, const Complain& complain) {
  if (value < kMinSide || value > kMaxSide) {
    complain(key, fmt::format("found {}, expected an integer in [{}, {}]", value, kMinSide, kMaxSide));
  }
}

}  // namespace

void validate(const AcceleratorConfig& config, const Complain& complain) {
  const ArrayConfig& array = config.array;
  check_side("array.rows", array.rows, complain);
  check_side("array.cols", array.cols, complain);
  if (array.lanes < 1 || array.lanes > array.cols || array.rows % array.lanes != 0) {
    complain("array.lanes", fmt::format("{} lanes do not fit {} rows and {} columns: rows = pixels x lanes, and an "
                                        "activation word of cols channels feeds the lanes, so lanes can be {}",
                                        array.lanes, array.rows, array.cols, divisors(array.rows, array.cols)));
  }
  if (array.ppu_lanes < 1 || array.ppu_lanes > array.cols) {
    complain("array.ppu_lanes", fmt::format("found {}, expected 1 to {}: a PPU with more lanes than the array has "
                                            "columns would leave some idle",
                                            array.ppu_lanes, array.cols));
  }
  if (array.accumulator_bits < 16 || array.accumulator_bits > 32) {
    complain("array.accumulator_bits",
             fmt::format("found {}, expected an integer in [16, 32]", array.accumulator_bits));
  }
  if (config.command_queue_depth < 1 || config.command_queue_depth > 16) {
    complain("command_queue_depth",
             fmt::format("found {}, expected an integer in [1, 16]", config.command_queue_depth));
  }
  const WordBits bits = config.word_bits();
  const Depths depths = config.depths();
  const ScratchpadConfig& pads = config.scratchpad;
  check_depth("activation_kib", pads.activation_kib, depths.activation, bits.activation, array.pixels(), complain);
  check_depth("weight_kib", pads.weight_kib, depths.weight, bits.weight(), 1, complain);
  check_depth("table_kib", pads.table_kib, depths.table, bits.table, 1, complain);
  check_depth("residual_kib", pads.residual_kib, depths.residual, bits.residual, 1, complain);
  check_depth("output_kib", pads.output_kib, depths.output, bits.output, 1, complain);
}

void validate(const LockstepConfig& config, const Complain& complain) {
  namespace fs = std::filesystem;
  if (!config.library.empty() && !config.rtl.empty())
    complain("lockstep.rtl", "lockstep.library names a core that is built already: expected one of the two");
  if (!config.mutant.empty() && !(config.library.empty() && config.rtl.empty()))
    complain("lockstep.mutant", "is a bug of our RTL: it does not go with lockstep.library or lockstep.rtl");
  if (!config.library.empty() && !fs::is_regular_file(config.library))
    complain("lockstep.library", fmt::format("there is no file {}", config.library));
  if (!config.rtl.empty() && !fs::is_directory(config.rtl))
    complain("lockstep.rtl", fmt::format("there is no folder {}", config.rtl));
  if (config.mutant.empty()) return;
  const std::vector<std::string> names = mutant_names(home_folder() / "tests" / "rtl" / "mutants" / "mutants.json");
  if (std::find(names.begin(), names.end(), config.mutant) != names.end()) return;
  complain("lockstep.mutant", fmt::format("found '{}', expected one of the names that scripts/build_rtl "
                                          "--list-mutants prints{}",
                                          config.mutant, suggestion(config.mutant, names)));
}

void validate(const AcceleratorConfig& config) {
  validate(config, [](const std::string& key, const std::string& message) { fail("{}: {}", key, message); });
}

}  // namespace shiftsim::sim
