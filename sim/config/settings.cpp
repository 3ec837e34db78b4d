#include "sim/config/settings.h"

#include <algorithm>
#include <climits>

#include "common/error.h"
#include "common/text.h"

namespace shiftsim::sim {
namespace {

using RunSetting = Setting<RunConfig>;

constexpr int kMaxKib = 1 << 16;
constexpr int kMaxBatch = 64;

/// A getter for a member of 'part', a member of RunConfig, from a constant or another owner.
// The names of members cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define OF(part, member)       \
  [](auto& config) -> auto& {  \
    return config.part.member; \
  }
#define TOP(member)           \
  [](auto& config) -> auto& { \
    return config.member;     \
  }
// NOLINTEND(bugprone-macro-parentheses)

RunSetting name() {
  RunSetting setting = setting::text<RunConfig>("name", "letters, digits, _ - .", "names the folder results/<name>/",
                                                OF(accelerator, name));
  const auto read = setting.read;
  setting.read = [read](YamlMap& map, const std::string& key, const std::filesystem::path& folder, RunConfig& config) {
    read(map, key, folder, config);
    if (is_plain_name(config.accelerator.name)) return;
    map.error(key, fmt::format("found '{}', expected letters, digits, '_', '-' and '.' (it names a folder)",
                               config.accelerator.name));
  };
  return setting;
}

template <typename Get>
RunSetting size(const char* path, int high, const char* help, Get get) {
  return setting::automatic_integer<RunConfig>(path, 1, high, kAuto, help, get);
}

template <typename Get>
RunSetting scratchpad(const char* path, const char* help, int Depths::*words, Get kib) {
  RunSetting setting = size(path, kMaxKib, help, kib);
  setting.note = [words](const RunConfig& config) {
    return fmt::format("{} words in each half", config.accelerator.depths().*words);
  };
  return setting;
}

/// A quantize section says how the network beside it is made; another network is not made that way.
RunSetting network() {
  RunSetting setting = setting::path<RunConfig>("network", "a .qnet folder", "what is run", TOP(network));
  const auto read = setting.read;
  setting.read = [read](YamlMap& map, const std::string& key, const std::filesystem::path& folder, RunConfig& config) {
    if (map.has(key)) config.quantize = {};
    read(map, key, folder, config);
  };
  return setting;
}

/// A name stays as it is, a path becomes absolute. quantrun tells them apart by the same rule.
RunSetting recipe() {
  RunSetting setting = setting::path<RunConfig>("quantize.recipe", "a name, a file",
                                                "quantrun --list-recipes shows the names", OF(quantize, recipe));
  const auto read_path = setting.read;
  setting.read = [read_path](YamlMap& map, const std::string& key, const std::filesystem::path& folder,
                             RunConfig& config) {
    if (!map.has(key)) return;
    const std::string written = map.get_string(key);
    const bool is_path =
        written.find('/') != std::string::npos || written.ends_with(".yaml") || written.ends_with(".yml");
    if (is_path) {
      read_path(map, key, folder, config);
    } else {
      config.quantize.recipe = written;
    }
  };
  return setting;
}

RunSetting fidelity() {
  RunSetting setting;
  setting.path = "run.fidelity";
  setting.range = join(fidelity_names());
  std::vector<std::string> runs;
  for (const FidelityName& known : kFidelities) runs.emplace_back(known.runs);
  setting.help = join(runs, "; ");
  setting.read = [](YamlMap& map, const std::string& key, const std::filesystem::path&, RunConfig& config) {
    if (!map.has(key)) return;
    try {
      config.fidelity = fidelity_from(map.get_string(key));
    } catch (const UserError& error) {
      map.error(key, error.what());
    }
  };
  setting.value = [](const RunConfig& config) { return nlohmann::ordered_json(to_string(config.fidelity)); };
  setting.is_word = true;
  return setting;
}

RunSetting fixed_mappings() {
  RunSetting setting;
  setting.path = "mapping.layers";
  setting.range = "layers by name";
  setting.help = "fix a layer: {rows, cols, block, outer: weights or outputs, held}; what is left out is searched";
  setting.read = [](YamlMap& map, const std::string& key, const std::filesystem::path&, RunConfig& config) {
    if (!map.has(key)) return;
    YamlMap layers = map.get_map(key);
    for (const std::string& name : layers.keys()) {
      YamlMap layer = layers.get_map(name);
      FixedMapping& fixed = config.mapping.layers[name];
      fixed.rows = static_cast<int>(layer.get_int("rows", 1, INT_MAX, fixed.rows));
      fixed.cols = static_cast<int>(layer.get_int("cols", 1, INT_MAX, fixed.cols));
      fixed.block = static_cast<int>(layer.get_int("block", 1, INT_MAX, fixed.block));
      fixed.held = static_cast<int>(layer.get_int("held", 1, 2, fixed.held));
      fixed.outer = layer.get_choice("outer", {"weights", "outputs"}, fixed.outer);
      layer.finish();
    }
  };
  setting.value = [](const RunConfig& config) {
    auto json = nlohmann::ordered_json::object();
    for (const auto& [name, fixed] : config.mapping.layers) {
      auto& layer = json[name] = nlohmann::ordered_json::object();
      if (fixed.rows > 0) layer["rows"] = fixed.rows;
      if (fixed.cols > 0) layer["cols"] = fixed.cols;
      if (fixed.block > 0) layer["block"] = fixed.block;
      if (!fixed.outer.empty()) layer["outer"] = fixed.outer;
      if (fixed.held > 0) layer["held"] = fixed.held;
    }
    return json;
  };
  return setting;
}

std::vector<RunSetting> make_settings() {
  using namespace setting;
  using Config = RunConfig;
  return {
      name(),
      number<Config>("clock_mhz", 0.001, 1e6, "turns cycles into seconds and leakage power into energy",
                     OF(accelerator, clock_mhz)),
      integer<Config>("command_queue_depth", 1, 16, "commands in each of the LOAD, COMPUTE and STORE queues",
                      OF(accelerator, command_queue_depth)),
      choice<Config, ClockCheck>("clock_check", {{"refuse", ClockCheck::kRefuse}, {"warn", ClockCheck::kWarn}},
                                 "of a clock_mhz above what the technology reaches", TOP(clock_check)),
      path<Config>("technology", "a file", "energy, area and delay", TOP(technology)),
      network(),

      integer<Config>("array.rows", kMinSide, kMaxSide, "pixels x lanes", OF(accelerator.array, rows)),
      integer<Config>("array.cols", kMinSide, kMaxSide, "output channels computed at a time",
                      OF(accelerator.array, cols)),
      size("array.lanes", kMaxSide,
           "input channels a PE adds per cycle; auto: the largest divisor of rows <= min(4, cols)",
           OF(accelerator.array, lanes)),
      size("array.ppu_lanes", kMaxSide, "output channels post-processed per cycle; auto: half of cols",
           OF(accelerator.array, ppu_lanes)),
      integer<Config>("array.accumulator_bits", 16, 32, "a layer that could overflow it is refused",
                      OF(accelerator.array, accumulator_bits)),

      boolean<Config>("array.activation_tables",
                      "the PPU has a table of 256 entries for activation functions other than ReLU and ReLU6",
                      OF(accelerator.array, activation_tables)),

      scratchpad("scratchpad.activation_kib", "all banks", &Depths::activation,
                 OF(accelerator.scratchpad, activation_kib)),
      scratchpad("scratchpad.weight_kib", "weight pairs and carries", &Depths::weight,
                 OF(accelerator.scratchpad, weight_kib)),
      scratchpad("scratchpad.table_kib", "bias, shift, offset, clamp", &Depths::table,
                 OF(accelerator.scratchpad, table_kib)),
      scratchpad("scratchpad.residual_kib", "residual inputs", &Depths::residual,
                 OF(accelerator.scratchpad, residual_kib)),
      scratchpad("scratchpad.output_kib", "outputs", &Depths::output, OF(accelerator.scratchpad, output_kib)),

      integer<Config>("dram.latency_cycles", 1, 100000, "from a request to its first data",
                      OF(accelerator.dram, latency_cycles)),
      integer<Config>("dram.bytes_per_cycle", 1, 4096, "peak bandwidth, reads and writes together",
                      OF(accelerator.dram, bytes_per_cycle)),
      integer<Config>("dram.burst_bytes", 1, 65536, "transfers are whole, aligned bursts",
                      OF(accelerator.dram, burst_bytes)),

      integer<Config>("l2.kib", 0, kMaxKib,
                      "second-level buffer on chip for tensors between layers and weights loaded again; 0: none",
                      OF(accelerator.l2, kib)),
      integer<Config>("l2.bytes_per_cycle", 1, 4096, "peak bandwidth, reads and writes together",
                      OF(accelerator.l2, bytes_per_cycle)),
      integer<Config>("l2.latency_cycles", 1, 100000, "from a request to its first data",
                      OF(accelerator.l2, latency_cycles)),

      choice<Config, Objective>(
          "mapping.objective",
          {{"balanced", Objective::kBalanced},
           {"cycles", Objective::kCycles},
           {"energy", Objective::kEnergy},
           {"edp", Objective::kEdp},
           {"dram_bytes", Objective::kDramBytes}},
          "what the search for mappings minimizes; balanced: energy within 2 % of the fewest cycles",
          OF(mapping, objective)),
      fixed_mappings(),

      path<Config>("dataset.images", "a file or folder",
                   "IDX (.gz too), .npy (uint8, N x H x W x C), PNG and JPEG files", TOP(images)),
      path<Config>("dataset.labels", "a file", "IDX, .npy, or for a folder a text file of 'file class' lines",
                   TOP(labels)),
      integer<Config>("dataset.test_images", 0, INT_MAX, "accuracy over so many images, the first ones; 0: all",
                      TOP(test_images)),

      fidelity(),
      automatic_integer<Config>("run.images", 1, 1000000, kAuto,
                                "images that the cycle engines run, the first ones; auto: one batch", TOP(image_count)),
      integer<Config>("run.batch", 1, kMaxBatch,
                      "images that are run together, layer by layer: a layer's weights are loaded for all of them",
                      TOP(batch)),
      integer<Config>("run.seed", 0, LONG_MAX, "of everything random; recorded in the report", TOP(seed)),
      integer<Config>("run.threads", 0, 1024,
                      "of the golden reference, and machines that run images at a time; 0: all processors",
                      TOP(threads)),
      boolean<Config>("run.accuracy_cache", "an accuracy computed before is taken from the user's cache folder",
                      TOP(accuracy_cache)),
      path<Config>("run.results", "a folder", "in it <name>/ is made", TOP(results)),

      integer<Config>("lockstep.wave_cycles", 0, 1000000,
                      "cycles before a difference that the FST waveform shows; 0: no waveform",
                      OF(lockstep, wave_cycles)),
      integer<Config>("lockstep.max_cycles", 0, LONG_MAX, "compare so many cycles; 0: all", OF(lockstep, max_cycles)),
      text<Config>("lockstep.mutant", "a name",
                   "a deliberate RTL bug (scripts/build_rtl --list-mutants), to see it found", OF(lockstep, mutant)),
      path<Config>("lockstep.library", "a file",
                   "another core that is built (rtl/verilated/core_abi.h), in place of ours", OF(lockstep, library)),
      path<Config>("lockstep.rtl", "a folder", "RTL files to build in place of ours of the same names",
                   OF(lockstep, rtl)),

      path<Config>("quantize.model", "a file", "the float network, ONNX", OF(quantize, model)),
      recipe(),
      text<Config>("quantize.bits", "w2a4", "widths of weights and activations, in place of the recipe's",
                   OF(quantize, bits)),
      path<Config>("quantize.calibration", "a file or folder", "calibration images, as dataset.images",
                   OF(quantize, calibration)),
      path<Config>("quantize.calibration_labels", "a file", "needed for folders with a label file only",
                   OF(quantize, calibration_labels)),
  };
}

#undef OF
#undef TOP

}  // namespace

bool is_plain_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), plain);
}

const std::vector<RunSetting>& settings() {
  static const std::vector<RunSetting> all = make_settings();
  return all;
}

}  // namespace shiftsim::sim
