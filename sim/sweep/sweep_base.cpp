#include "sim/sweep/sweep_base.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"
#include "sim/config/settings.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

std::string absolute_value(const ConfigBase& base, const fs::path& folder, const std::string& path,
                           const YamlScalar& value) {
  const RunConfig config = base.read({fmt::format("{}={}", path, value.yaml())}, folder);
  for (const auto& setting : settings()) {
    if (setting.path != path) continue;
    const nlohmann::ordered_json read = setting.value(config);
    if (read.is_string()) return yaml_text(read.get<std::string>());
  }
  return value.yaml();
}

std::string without(std::string_view text, const std::string& prefix) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return std::string(text);
}

bool is_setting(const std::string& path) {
  return std::any_of(settings().begin(), settings().end(), [&](const auto& setting) { return setting.path == path; });
}

void set_file(SweepBase& base, YamlMap& map, const std::string& key, const fs::path& folder) {
  base.file = (folder / map.get_string(key)).lexically_normal();
  if (!fs::is_regular_file(base.file)) map.error(key, fmt::format("there is no file {}", base.file.string()));
}

/// Keys that stand in the sweep file itself, by their paths.
void add_keys(SweepBase& base, const ConfigBase& config, const fs::path& folder, YamlMap& map,
              const std::string& prefix) {
  for (const std::string& key : map.keys()) {
    if (prefix.empty() && key == "include") continue;
    if (is_setting(prefix + key) && map.is_map(key)) {
      // A key that holds a mapping, such as mapping.layers: as it is.
      base.overrides.push_back(fmt::format("{}{}={}", prefix, key, map.get_yaml(key)));
      continue;
    }
    if (map.is_map(key)) {
      YamlMap below = map.get_map(key);
      add_keys(base, config, folder, below, prefix + key + ".");
      continue;
    }
    const std::vector<YamlScalar> values = map.get_scalars(key);
    if (values.size() != 1) {
      map.error(key, fmt::format("found {} values, expected one; lists stand below 'axes'", values.size()));
    }
    const std::string value = override_value(config, folder, map, key, prefix + key, values.front());
    base.overrides.push_back(fmt::format("{}{}={}", prefix, key, value));
  }
}

/// A --set of the command line, with an absolute path where the key holds one.
std::string absolute_set(const ConfigBase& config, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) fail("--set {}: expected KEY=VALUE", assignment);
  const std::string path = assignment.substr(0, equals);
  YAML::Node value(YAML::NodeType::Map);
  apply_override(value, "value" + assignment.substr(equals));
  const std::vector<YamlScalar> scalars = YamlMap(value, "--set").get_scalars("value");
  if (scalars.size() != 1) fail("--set {}: found {} values, expected one", assignment, scalars.size());
  return fmt::format("{}={}", path, absolute_value(config, fs::current_path(), path, scalars.front()));
}

}  // namespace

std::string override_value(const ConfigBase& base, const fs::path& folder, const YamlMap& map, const std::string& key,
                           const std::string& path, const YamlScalar& value) {
  try {
    return absolute_value(base, folder, path, value);
  } catch (const UserError& error) {
    // The place is the sweep file's, and the key stands there as well.
    map.error(key, without(without(error.what(), "--set: "), path + ": "));
  }
}

SweepBase read_sweep_base(YamlMap& root, const fs::path& folder, const std::vector<std::string>& set) {
  SweepBase base;
  const bool in_place = root.is_map("base");
  if (in_place) {
    YamlMap keys = root.get_map("base");
    if (keys.has("include")) set_file(base, keys, "include", folder);
  } else if (root.has("base")) {
    set_file(base, root, "base", folder);
  }
  const ConfigBase config(base.file);
  if (in_place) {
    YamlMap keys = root.get_map("base");
    add_keys(base, config, folder, keys, "");
  }
  for (const std::string& assignment : set) base.set.push_back(absolute_set(config, assignment));
  base.overrides.insert(base.overrides.end(), base.set.begin(), base.set.end());
  return base;
}

}  // namespace shiftsim::sim
