#include "sim/sweep/sweep_inputs.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "common/content_key.h"
#include "common/hash.h"
#include "common/locations.h"
#include "sim/config/settings.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kResultsKey = "run.results";  // a folder that runs write to

/// A file by its content. A .qnet folder by its network.yaml, which has a checksum of every array; another folder
/// (of images) by the names and sizes of its files.
std::string hash_of(const fs::path& path) {
  if (fs::is_regular_file(path)) return sha256_file(path);
  if (fs::is_regular_file(path / "network.yaml")) return sha256_file(path / "network.yaml");
  std::set<std::string> entries;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) entries.insert(fmt::format("{} {}", entry.path().string(), entry.file_size()));
  }
  ContentKey key;
  for (const std::string& entry : entries) key.add(entry);
  return key.text();
}

/// Files and folders that the keys of a configuration name, and that are there.
void add_paths(const RunConfig& config, bool makes_networks, std::set<std::string>& paths) {
  for (const auto& setting : settings()) {
    if (setting.path == kResultsKey || (makes_networks && setting.path == kNetworkKey)) continue;
    const nlohmann::ordered_json value = setting.value(config);
    if (!value.is_string()) continue;
    const auto text = value.get<std::string>();
    std::error_code none;
    if (text.starts_with('/') && fs::exists(text, none)) paths.insert(text);
  }
}

}  // namespace

nlohmann::ordered_json sweep_inputs(const Sweep& sweep) {
  const ConfigBase base(sweep.base.file);
  const fs::path here = fs::current_path();
  const RunConfig common = base.read(sweep.base.overrides, here);
  const std::vector<std::string> keys = sweep.keys();
  const bool makes_networks =
      std::any_of(keys.begin(), keys.end(), [](const std::string& key) { return key.starts_with("quantize."); });
  std::set<std::string> paths;
  add_paths(common, makes_networks, paths);
  for (const Axis& axis : sweep.axes) {
    for (const std::vector<AxisValue>& step : axis.steps) {
      std::vector<std::string> overrides = sweep.base.overrides;
      for (std::size_t key = 0; key < axis.keys.size(); ++key) {
        overrides.push_back(fmt::format("{}={}", axis.keys[key], step[key].yaml));
      }
      add_paths(base.read(overrides, here), makes_networks, paths);
    }
  }
  nlohmann::ordered_json inputs = {{"simrun", sha256_file(this_binary())},
                                   {"the base configuration", sha256(setting::to_json(settings(), common).dump())}};
  for (const std::string& path : paths) inputs[path] = hash_of(path);
  return inputs;
}

}  // namespace shiftsim::sim
