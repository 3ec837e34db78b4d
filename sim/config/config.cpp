#include "sim/config/config.h"

#include <algorithm>
#include <climits>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/locations.h"
#include "common/yaml.h"
#include "sim/config/mutants.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr int kMinSide = 4, kMaxSide = 64;
constexpr int kMaxDepth = 65536;
constexpr int kMaxKib = 1 << 16;
constexpr int kMaxIncludes = 8;
constexpr int kAuto = 0;  ///< a size still to be chosen; never left in a loaded configuration

/// Reports a problem with a key; the keys' places are only known while a file is loaded.
using Complain = std::function<void(const std::string& key, const std::string& message)>;

/// The mappings that a configuration was put together from, the first read first.
class Sources {
public:
  void add(const YamlMap& map) { maps_.push_back(map); }

  /// Raises a UserError at the last place where "section.key" was set, or without a place if it never was.
  [[noreturn]] void error(const std::string& path, const std::string& message) const {
    const std::size_t dot = path.find('.');
    for (auto map = maps_.rbegin(); map != maps_.rend(); ++map) {
      if (dot == std::string::npos) {
        if (map->has(path)) map->error(path, message);
      } else if (map->has(path.substr(0, dot))) {
        YamlMap source = *map;
        const YamlMap section = source.get_map(path.substr(0, dot));
        if (section.has(path.substr(dot + 1))) section.error(path.substr(dot + 1), message);
      }
    }
    fail("{}: {}", path, message);
  }

private:
  std::vector<YamlMap> maps_;
};

/// An integer in [low, high], or 'auto'.
int get_size(YamlMap& map, const std::string& key, int low, int high, int fallback) {
  if (!map.has(key)) return fallback;
  std::string text;
  try {
    text = map.get_string(key);
  } catch (const UserError&) {
    // Not a scalar: get_int says so below.
  }
  if (text == "auto") return kAuto;
  try {
    return static_cast<int>(map.get_int(key, low, high));
  } catch (const UserError& error) {
    throw UserError(fmt::format("{}, or 'auto'", error.what()));
  }
}

int get_int(YamlMap& map, const std::string& key, int low, int high, int fallback) {
  return static_cast<int>(map.get_int(key, low, high, fallback));
}

void get_path(YamlMap& map, const std::string& key, const fs::path& folder, std::string& path) {
  if (!map.has(key)) return;
  const std::string text = map.get_string(key);
  path = text.empty() ? "" : (folder / text).lexically_normal().string();
}

void read_array(YamlMap map, ArrayConfig& array) {
  array.rows = get_int(map, "rows", kMinSide, kMaxSide, array.rows);
  array.cols = get_int(map, "cols", kMinSide, kMaxSide, array.cols);
  array.lanes = get_size(map, "lanes", 1, kMaxSide, array.lanes);
  array.ppu_lanes = get_size(map, "ppu_lanes", 1, kMaxSide, array.ppu_lanes);
  array.accumulator_bits = get_int(map, "accumulator_bits", 16, 32, array.accumulator_bits);
  map.finish();
}

void read_scratchpads(YamlMap map, ScratchpadConfig& pads) {
  pads.activation_kib = get_size(map, "activation_kib", 1, kMaxKib, pads.activation_kib);
  pads.weight_kib = get_size(map, "weight_kib", 1, kMaxKib, pads.weight_kib);
  pads.table_kib = get_size(map, "table_kib", 1, kMaxKib, pads.table_kib);
  pads.residual_kib = get_size(map, "residual_kib", 1, kMaxKib, pads.residual_kib);
  pads.output_kib = get_size(map, "output_kib", 1, kMaxKib, pads.output_kib);
  map.finish();
}

void read_dram(YamlMap map, DramConfig& dram) {
  dram.latency_cycles = get_int(map, "latency_cycles", 1, 100000, dram.latency_cycles);
  dram.bytes_per_cycle = get_int(map, "bytes_per_cycle", 1, 4096, dram.bytes_per_cycle);
  dram.burst_bytes = get_int(map, "burst_bytes", 1, 65536, dram.burst_bytes);
  map.finish();
}

void read_dataset(YamlMap map, const fs::path& folder, RunConfig& config) {
  get_path(map, "images", folder, config.images);
  get_path(map, "labels", folder, config.labels);
  config.test_images = map.get_int("test_images", 0, INT_MAX, config.test_images);
  map.finish();
}

void read_lockstep(YamlMap map, LockstepConfig& lockstep) {
  lockstep.wave_cycles = get_int(map, "wave_cycles", 0, 1000000, lockstep.wave_cycles);
  lockstep.max_cycles = map.get_int("max_cycles", 0, LONG_MAX, lockstep.max_cycles);
  lockstep.mutant = map.get_string("mutant", lockstep.mutant);
  map.finish();
}

void read_run(YamlMap map, const fs::path& folder, RunConfig& config) {
  if (map.has("fidelity")) {
    const std::string name = map.get_string("fidelity");
    try {
      config.fidelity = fidelity_from(name);
    } catch (const UserError& error) {
      map.error("fidelity", error.what());
    }
  }
  config.image_count = get_int(map, "images", 1, 1000000, config.image_count);
  config.seed = map.get_int("seed", 0, LONG_MAX, config.seed);
  config.threads = get_int(map, "threads", 0, 1024, config.threads);
  config.accuracy_cache = map.get_bool("accuracy_cache", config.accuracy_cache);
  get_path(map, "results", folder, config.results);
  map.finish();
}

void read_quantize(YamlMap map, const fs::path& folder, QuantizeConfig& quantize) {
  get_path(map, "model", folder, quantize.model);
  get_path(map, "recipe", folder, quantize.recipe);
  get_path(map, "calibration", folder, quantize.calibration);
  get_path(map, "calibration_labels", folder, quantize.calibration_labels);
  map.finish();
}

bool is_plain_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), plain);
}

/// Reads one mapping over what 'config' holds already. Relative paths count from 'folder'.
void read_root(YamlMap& root, const fs::path& folder, RunConfig& config) {
  AcceleratorConfig& accelerator = config.accelerator;
  accelerator.name = root.get_string("name", accelerator.name);
  if (!is_plain_name(accelerator.name)) {
    root.error("name", fmt::format("found '{}', expected letters, digits, '_', '-' and '.' (it names a folder)",
                                   accelerator.name));
  }
  read_array(root.get_map("array", true), accelerator.array);
  read_scratchpads(root.get_map("scratchpad", true), accelerator.scratchpad);
  read_dram(root.get_map("dram", true), accelerator.dram);
  accelerator.command_queue_depth = get_int(root, "command_queue_depth", 1, 16, accelerator.command_queue_depth);
  accelerator.clock_mhz = root.get_number("clock_mhz", 0.001, 1e6, accelerator.clock_mhz);
  get_path(root, "technology", folder, config.technology);
  // A quantize section says how the network beside it is made; another network is not made that way.
  if (root.has("network")) config.quantize = {};
  get_path(root, "network", folder, config.network);
  read_dataset(root.get_map("dataset", true), folder, config);
  read_run(root.get_map("run", true), folder, config);
  read_lockstep(root.get_map("lockstep", true), config.lockstep);
  read_quantize(root.get_map("quantize", true), folder, config.quantize);
}

/// Reads FILE after the file that it includes, so that its own values win.
void read_file_over(const fs::path& file, int depth, RunConfig& config, Sources& sources) {
  YamlMap root = YamlMap::load(file);
  const fs::path folder = file.parent_path();
  if (root.has("include")) {
    if (depth == kMaxIncludes) root.error("include", fmt::format("more than {} files deep: a circle?", kMaxIncludes));
    const fs::path included = (folder / root.get_string("include")).lexically_normal();
    if (!fs::is_regular_file(included)) root.error("include", fmt::format("there is no file {}", included.string()));
    read_file_over(included, depth + 1, config, sources);
  }
  sources.add(root);
  read_root(root, folder, config);
  root.finish();
}

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

/// A mutant's name becomes part of a file name and of a command: it must be one of the list.
void validate(const LockstepConfig& config, const Complain& complain) {
  if (config.mutant.empty()) return;
  const std::vector<std::string> names = mutant_names(home_folder() / "tests" / "rtl" / "mutants" / "mutants.json");
  if (std::find(names.begin(), names.end(), config.mutant) != names.end()) return;
  const std::string near = nearest(config.mutant, names);
  complain("lockstep.mutant",
           fmt::format("found '{}', expected one of the names that scripts/build_rtl "
                       "--list-mutants prints{}",
                       config.mutant, near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

/// Puts numbers in the place of 'auto'. A geometry that validate() will refuse must not crash here.
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

RunConfig defaults() {
  RunConfig config;
  config.accelerator.name = "simrun";
  config.accelerator.array.lanes = config.accelerator.array.ppu_lanes = kAuto;
  config.accelerator.scratchpad = {kAuto, kAuto, kAuto, kAuto, kAuto};
  return config;
}

/// "value" with its comment at a fixed column.
void line(std::string& text, int indent, const std::string& key, const std::string& value, const std::string& comment) {
  const std::string entry = fmt::format("{:{}}{}: {}", "", indent, key, value);
  text += fmt::format("{:<28} # {}\n", entry, comment);
}

/// A path, or anything else that may hold special characters.
std::string quoted(const std::string& value) {
  return nlohmann::json(value).dump();
}

}  // namespace

const char* to_string(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::kGolden:
      return "golden";
    case Fidelity::kCycle:
      return "cycle";
    case Fidelity::kLockstep:
      return "lockstep";
  }
  return "?";
}

Fidelity fidelity_from(const std::string& name) {
  for (const Fidelity fidelity : {Fidelity::kGolden, Fidelity::kCycle, Fidelity::kLockstep}) {
    if (name == to_string(fidelity)) return fidelity;
  }
  if (name == "transaction") fail("'transaction' does not exist yet; use 'cycle', which gives exact cycles");
  const std::string near = nearest(name, {"golden", "cycle", "lockstep"});
  fail("found '{}', expected one of golden, cycle, lockstep{}", name,
       near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

WordBits AcceleratorConfig::word_bits() const {
  const int n = array.cols, l = array.lanes, q = array.ppu_lanes;
  return {.activation = 8 * n,
          .weight_pair = 2 * n * l,
          .weight_carry = n * l,
          .table = 56 * q,
          .residual = 8 * n,
          .output = 8 * n};
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

AcceleratorConfig make_accelerator(int rows, int cols, int lanes, int ppu_lanes) {
  AcceleratorConfig config;
  config.name = fmt::format("pe{}x{}", rows, cols);
  config.array = {.rows = rows, .cols = cols, .lanes = lanes, .ppu_lanes = ppu_lanes};
  config.scratchpad = {kAuto, kAuto, kAuto, kAuto, kAuto};
  resolve_auto(config);
  validate(config);
  return config;
}

void validate(const AcceleratorConfig& config) {
  validate(config, [](const std::string& key, const std::string& message) { fail("{}: {}", key, message); });
}

RunConfig load_config(const fs::path& file, const std::vector<std::string>& overrides) {
  RunConfig config = defaults();
  Sources sources;
  if (!file.empty()) {
    const fs::path absolute = fs::absolute(file).lexically_normal();
    const std::string stem = absolute.stem().string();
    if (is_plain_name(stem)) config.accelerator.name = stem;
    if (fs::is_directory(absolute)) fail("{}: is a folder, expected a YAML file", absolute.string());
    read_file_over(absolute, 0, config, sources);
  }
  if (!overrides.empty()) {
    YAML::Node node(YAML::NodeType::Map);
    for (const std::string& assignment : overrides) apply_override(node, assignment);
    YamlMap root(node, "--set");
    sources.add(root);
    read_root(root, fs::current_path(), config);
    root.finish();
  }
  resolve_auto(config.accelerator);
  const Complain complain = [&](const std::string& key, const std::string& message) { sources.error(key, message); };
  validate(config.accelerator, complain);
  validate(config.lockstep, complain);
  if (config.technology.empty()) {
    config.technology = (home_folder() / "configs/technologies/45nm_horowitz.yaml").string();
  }
  if (config.results.empty()) config.results = (fs::current_path() / "results").string();
  return config;
}

std::string print_config(const RunConfig& config) {
  const AcceleratorConfig& accelerator = config.accelerator;
  const ArrayConfig& array = accelerator.array;
  const ScratchpadConfig& pads = accelerator.scratchpad;
  const Depths depths = accelerator.depths();
  const auto number = [](auto value) { return fmt::format("{}", value); };
  std::string text =
      "# A complete ShiftSim configuration: every key, its value in this run and its meaning. Keys left out of a\n"
      "# configuration take their defaults; relative paths count from the file they stand in.\n";
  line(text, 0, "name", quoted(accelerator.name), "names the folder results/<name>/");
  text += "\narray:\n";
  line(text, 2, "rows", number(array.rows), "4..64; rows = pixels x lanes");
  line(text, 2, "cols", number(array.cols), "4..64; output channels computed at a time");
  line(text, 2, "lanes", number(array.lanes),
       "input channels a PE adds per cycle; auto: the largest divisor of rows <= min(4, cols)");
  line(text, 2, "ppu_lanes", number(array.ppu_lanes), "output channels post-processed per cycle; auto: half of cols");
  line(text, 2, "accumulator_bits", number(array.accumulator_bits), "16..32; refused where a layer could overflow it");
  text += "\nscratchpad:                   # KiB, both halves together; or auto\n";
  const auto pad = [&](const char* key, int kib, int words, const std::string& what) {
    line(text, 2, key, number(kib), fmt::format("{}; {} words in each half", what, words));
  };
  pad("activation_kib", pads.activation_kib, depths.activation, fmt::format("all {} banks", array.pixels()));
  pad("weight_kib", pads.weight_kib, depths.weight, "weight pairs and carries");
  pad("table_kib", pads.table_kib, depths.table, "bias, shift, offset, clamp");
  pad("residual_kib", pads.residual_kib, depths.residual, "residual inputs");
  pad("output_kib", pads.output_kib, depths.output, "outputs");
  text += "\ndram:\n";
  line(text, 2, "latency_cycles", number(accelerator.dram.latency_cycles), "from a request to its first data");
  line(text, 2, "bytes_per_cycle", number(accelerator.dram.bytes_per_cycle), "peak bandwidth");
  line(text, 2, "burst_bytes", number(accelerator.dram.burst_bytes), "transfers are whole, aligned bursts");
  text += "\n";
  line(text, 0, "command_queue_depth", number(accelerator.command_queue_depth),
       "1..16; commands in each of the LOAD, COMPUTE and STORE queues");
  line(text, 0, "clock_mhz", number(accelerator.clock_mhz), "turns cycles into seconds and leakage power into energy");
  line(text, 0, "technology", quoted(config.technology), "energy per event");
  line(text, 0, "network", quoted(config.network), "a .qnet folder");
  text += "\ndataset:\n";
  line(text, 2, "images", quoted(config.images), "IDX (.gz too), .npy (uint8, N x H x W x C) or a folder");
  line(text, 2, "labels", quoted(config.labels), "IDX, .npy, or for a folder a text file of 'file class' lines");
  line(text, 2, "test_images", number(config.test_images), "accuracy over so many images, the first ones; 0: all");
  text += "\nrun:\n";
  line(text, 2, "fidelity", to_string(config.fidelity),
       "golden (values), cycle (SystemC core), lockstep (SystemC core and RTL)");
  line(text, 2, "images", number(config.image_count), "images that the cycle engines run, the first ones");
  line(text, 2, "seed", number(config.seed), "of everything random; recorded in the report");
  line(text, 2, "threads", number(config.threads), "of the golden reference; 0: all processors");
  line(text, 2, "accuracy_cache", config.accuracy_cache ? "true" : "false",
       "an accuracy computed before is taken from the user's cache folder");
  line(text, 2, "results", quoted(config.results), "folder in which <name>/ is made");
  text += "\nlockstep:\n";
  line(text, 2, "wave_cycles", number(config.lockstep.wave_cycles),
       "cycles before a difference that the FST waveform shows; 0: no waveform");
  line(text, 2, "max_cycles", number(config.lockstep.max_cycles), "compare so many cycles; 0: all");
  line(text, 2, "mutant", quoted(config.lockstep.mutant),
       "a deliberate RTL bug (scripts/build_rtl --list-mutants), to see it found");
  text += "\nquantize:                     # how scripts/run makes the network; all empty: it is given\n";
  const QuantizeConfig& quantize = config.quantize;
  line(text, 2, "model", quoted(quantize.model), "the float network, ONNX");
  line(text, 2, "recipe", quoted(quantize.recipe), "configs/recipes/*.yaml");
  line(text, 2, "calibration", quoted(quantize.calibration), "calibration images, as dataset.images");
  line(text, 2, "calibration_labels", quoted(quantize.calibration_labels), "needed for folders with a label file only");
  return text;
}

}  // namespace shiftsim::sim
