// Reading configurations: includes, overrides, and the place of every mistake.
#include <filesystem>

#include <fmt/format.h>

#include "common/error.h"
#include "common/locations.h"
#include "common/yaml.h"
#include "sim/config/config_base.h"
#include "sim/config/settings.h"
#include "sim/config/validate.h"

namespace shiftsim::sim {

/// The mappings that a configuration was put together from, the first read first.
class ConfigSources {
public:
  void add(const YamlMap& map) { maps_.push_back(map); }
  /// Raises a UserError at the last place where "section.key" was set, or without a place if it never was.
  [[noreturn]] void error(const std::string& path, const std::string& message) const;

private:
  std::vector<YamlMap> maps_;
};

namespace {

namespace fs = std::filesystem;

constexpr int kMaxIncludes = 8;

/// Reads the keys after the file that they include, so that their own values win. Paths count from 'folder'.
void read_over(YamlMap root, const fs::path& folder, int depth, RunConfig& config, ConfigSources& sources) {
  if (root.has("include")) {
    if (depth == kMaxIncludes) root.error("include", fmt::format("more than {} files deep: a circle?", kMaxIncludes));
    const fs::path included = (folder / root.get_string("include")).lexically_normal();
    if (!fs::is_regular_file(included)) root.error("include", fmt::format("there is no file {}", included.string()));
    read_over(YamlMap::load(included), included.parent_path(), depth + 1, config, sources);
  }
  sources.add(root);
  setting::read(settings(), root, folder, config);
  root.finish();
}

RunConfig defaults() {
  RunConfig config;
  config.accelerator.name = "simrun";
  config.accelerator.array.lanes = config.accelerator.array.ppu_lanes = kAuto;
  config.accelerator.scratchpad = {kAuto, kAuto, kAuto, kAuto, kAuto};
  config.image_count = kAuto;
  return config;
}

}  // namespace

void ConfigSources::error(const std::string& path, const std::string& message) const {
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

ConfigBase::ConfigBase(const fs::path& file) : config_(defaults()), sources_(std::make_shared<const ConfigSources>()) {
  if (file.empty()) return;
  const fs::path absolute = fs::absolute(file).lexically_normal();
  const std::string stem = absolute.stem().string();
  if (is_plain_name(stem)) config_.accelerator.name = stem;
  if (fs::is_directory(absolute)) fail("{}: is a folder, expected a YAML file", absolute.string());
  ConfigSources sources;
  read_over(YamlMap::load(absolute), absolute.parent_path(), 0, config_, sources);
  sources_ = std::make_shared<const ConfigSources>(std::move(sources));
}

ConfigBase::ConfigBase(const YAML::Node& keys, const std::string& name) : config_(defaults()) {
  ConfigSources sources;
  read_over(YamlMap(keys, name), fs::current_path(), 0, config_, sources);
  sources_ = std::make_shared<const ConfigSources>(std::move(sources));
}

RunConfig ConfigBase::read(const std::vector<std::string>& overrides, const fs::path& folder) const {
  ConfigSources sources = *sources_;
  return read(overrides, folder, sources);
}

RunConfig ConfigBase::read(const std::vector<std::string>& overrides, const fs::path& folder,
                           ConfigSources& sources) const {
  RunConfig config = config_;
  if (overrides.empty()) return config;
  YAML::Node node(YAML::NodeType::Map);
  for (const std::string& assignment : overrides) apply_override(node, assignment);
  YamlMap root(node, "--set");
  sources.add(root);
  setting::read(settings(), root, folder, config);
  root.finish();
  return config;
}

void ConfigBase::fail_at(const std::vector<std::string>& overrides, const std::string& key,
                         const std::string& message) const {
  ConfigSources sources = *sources_;
  read(overrides, fs::current_path(), sources);
  sources.error(key, message);
}

RunConfig ConfigBase::load(const std::vector<std::string>& overrides) const {
  ConfigSources sources = *sources_;
  RunConfig config = read(overrides, fs::current_path(), sources);
  resolve_auto(config.accelerator);
  if (config.image_count == kAuto) config.image_count = config.batch;
  const Complain complain = [&](const std::string& key, const std::string& message) { sources.error(key, message); };
  validate(config.accelerator, complain);
  validate(config.lockstep, complain);
  if (config.image_count % config.batch != 0)
    complain("run.images",
             fmt::format("found {}, expected a multiple of run.batch, which is {}", config.image_count, config.batch));
  if (config.technology.empty()) {
    config.technology = (home_folder() / "configs/technologies/45nm_horowitz.yaml").string();
  }
  if (config.results.empty()) config.results = (fs::current_path() / "results").string();
  return config;
}

RunConfig load_config(const fs::path& file, const std::vector<std::string>& overrides) {
  return ConfigBase(file).load(overrides);
}

void fail_at_key(const fs::path& file, const std::vector<std::string>& overrides, const std::string& key,
                 const std::string& message) {
  ConfigBase(file).fail_at(overrides, key, message);
}

}  // namespace shiftsim::sim
