#include "sim/engine/result_cache.h"

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/read_file.h"

namespace shiftsim::sim {

ContentKey key_of_this_program() {
  ContentKey key;
  key.add_file(this_binary());
  return key;
}

ResultCache::ResultCache(const std::string& kind, const ContentKey& key) : kind_(kind) {
  if (const auto folder = cache_folder()) file_ = *folder / kind / (key.text() + ".json");
}

std::optional<nlohmann::ordered_json> ResultCache::load() const {
  std::error_code unreadable;
  if (!file_ || !std::filesystem::is_regular_file(*file_, unreadable)) return std::nullopt;
  try {
    return nlohmann::ordered_json::parse(read_file(*file_));
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  } catch (const UserError&) {
    return std::nullopt;
  }
}

void ResultCache::save(const nlohmann::ordered_json& result) const {
  if (!file_) return;
  const auto warn = [&](const std::exception& error) {
    spdlog::warn("the {} is not kept for later runs: {}", kind_, error.what());
  };
  try {
    write_file_atomically(*file_, result.dump(2) + "\n");
  } catch (const UserError& error) {
    warn(error);
  } catch (const std::filesystem::filesystem_error& error) {
    warn(error);
  }
}

}  // namespace shiftsim::sim
