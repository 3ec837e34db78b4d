// Results that were computed before: one JSON file each, in the user's cache folder (common/locations.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/content_key.h"

namespace shiftsim::sim {

/// A key that holds for this program only: another build computes anew.
ContentKey key_of_this_program();

class ResultCache {
public:
  /// 'kind': the folder that such results are in; 'key': all that the result depends on.
  ResultCache(const std::string& kind, const ContentKey& key);

  /// None where it was not kept, or cannot be read as JSON.
  std::optional<nlohmann::ordered_json> load() const;
  /// A folder that cannot be written is a warning: the result is there, only the next run computes it again.
  void save(const nlohmann::ordered_json& result) const;

private:
  std::string kind_;
  std::optional<std::filesystem::path> file_;  ///< none where there is no cache folder
};

}  // namespace shiftsim::sim
