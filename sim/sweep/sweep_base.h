// What all points of a sweep have in common: a configuration file, and keys over it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/yaml_forward.h"
#include "sim/config/config_base.h"

namespace shiftsim::sim {

struct SweepBase {
  std::filesystem::path file;          ///< absolute; empty: the defaults
  std::vector<std::string> overrides;  ///< as --set takes them, from any folder
  std::vector<std::string> set;        ///< of them those of the command line
};

/// Reads 'base' of a sweep file: a configuration file, or keys in place, with 'include' or without. The --set overrides
/// come behind them.
SweepBase read_sweep_base(YamlMap& root, const std::filesystem::path& folder, const std::vector<std::string>& set);

/// The value as --set takes it from any folder: a path becomes absolute. Throws UserError at the place of 'key' in
/// 'map' where the configuration key 'path' does not exist or cannot hold the value.
std::string override_value(const ConfigBase& base, const std::filesystem::path& folder, const YamlMap& map,
                           const std::string& key, const std::string& path, const YamlScalar& value);

}  // namespace shiftsim::sim
