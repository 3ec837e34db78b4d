#include "sim/engine/accuracy_cache.h"

#include <string_view>

#include <nlohmann/json.hpp>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/read_file.h"
#include "qnet/io.h"

namespace shiftsim::sim {
namespace {

constexpr const char* kThisProgram = "/proc/self/exe";

template <typename T>
std::string hash_of(const std::vector<T>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

}  // namespace

AccuracyCache::AccuracyCache(const qnet::Network& network, const ImageSet& images) {
  known_.float_percent = network.provenance.float_accuracy;
  known_.float_images = network.provenance.float_accuracy_images;
  const auto folder = cache_folder();
  if (!folder) return;
  const std::string key = sha256(fmt::format("{} {} {} {} {}", sha256_file(kThisProgram), qnet::content_hash(network),
                                             images.count, hash_of(images.pixels), hash_of(images.labels)));
  file_ = *folder / "accuracy" / (key + ".json");
}

std::optional<AccuracyResult> AccuracyCache::load() const {
  std::error_code unreadable;
  if (!file_ || !std::filesystem::is_regular_file(*file_, unreadable)) return std::nullopt;
  try {
    const auto json = nlohmann::json::parse(read_file(*file_));
    AccuracyResult result = known_;
    result.quantized_percent = json.at("quantized_percent").get<double>();
    result.correct = json.at("correct").get<std::int64_t>();
    result.images = json.at("images").get<std::int64_t>();
    result.seconds = json.at("seconds").get<double>();
    result.kept = true;
    return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  } catch (const UserError&) {
    return std::nullopt;
  }
}

void AccuracyCache::save(const AccuracyResult& result) const {
  if (!file_) return;
  const nlohmann::ordered_json json = {{"quantized_percent", result.quantized_percent},
                                       {"correct", result.correct},
                                       {"images", result.images},
                                       {"seconds", result.seconds}};
  try {
    write_file_atomically(*file_, json.dump(2) + "\n");
  } catch (const UserError& error) {
    spdlog::warn("the accuracy is not kept for later runs: {}", error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    spdlog::warn("the accuracy is not kept for later runs: {}", error.what());
  }
}

}  // namespace shiftsim::sim
