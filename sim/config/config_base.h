// A configuration file that is read once, for many runs that differ in some keys.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/yaml_forward.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

class ConfigSources;

class ConfigBase {
public:
  /// Reads the file with its includes; an empty path stands for the defaults. Throws UserError "FILE:LINE: ...".
  explicit ConfigBase(const std::filesystem::path& file);

  /// Reads the keys of a mapping at hand. 'name' stands for its place in messages; relative paths count from the
  /// current folder.
  ConfigBase(const YAML::Node& keys, const std::string& name);

  /// What load_config(file, overrides) gives.
  RunConfig load(const std::vector<std::string>& overrides) const;
  /// The same before 'auto' is resolved and keys are held against each other. Relative paths of the overrides count
  /// from 'folder'.
  RunConfig read(const std::vector<std::string>& overrides, const std::filesystem::path& folder) const;
  /// Raises a UserError at the last place where the file or the overrides set this key.
  [[noreturn]] void fail_at(const std::vector<std::string>& overrides, const std::string& key,
                            const std::string& message) const;

private:
  RunConfig read(const std::vector<std::string>& overrides, const std::filesystem::path& folder,
                 ConfigSources& sources) const;

  RunConfig config_;
  std::shared_ptr<const ConfigSources> sources_;
};

}  // namespace shiftsim::sim
