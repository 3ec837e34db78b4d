#include "sim/engine/accuracy_cache.h"

#include <nlohmann/json.hpp>

#include "common/atomic_file.h"
#include "common/content_key.h"
#include "common/error.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/read_file.h"
#include "qnet/io.h"
#include "sim/engine/evaluate.h"

namespace shiftsim::sim {
namespace {

constexpr const char* kThisProgram = "/proc/self/exe";

}  // namespace

AccuracyCache::AccuracyCache(const qnet::Network& network, const ImageSet& images)
    : images_(static_cast<std::int64_t>(images.count)), labelled_(!images.labels.empty()) {
  known_.float_percent = network.provenance.float_accuracy;
  known_.float_images = network.provenance.float_accuracy_images;
  const auto folder = cache_folder();
  if (!folder) return;
  ContentKey key;
  key.add_file(kThisProgram).add(qnet::content_hash(network));
  key.add_values(images.pixels).add_values(images.labels);
  file_ = *folder / "accuracy" / (key.text() + ".json");
}

std::optional<AccuracyResult> AccuracyCache::load() const {
  std::error_code unreadable;
  if (!file_ || !std::filesystem::is_regular_file(*file_, unreadable)) return std::nullopt;
  try {
    const auto json = nlohmann::json::parse(read_file(*file_));
    AccuracyResult result = known_;
    result.images = json.at("images").get<std::int64_t>();
    result.correct = json.at("correct").get<std::int64_t>();
    result.seconds = json.at("seconds").get<double>();
    if (result.images != images_ || result.correct < 0 || result.correct > images_ || !(result.seconds >= 0))
      return std::nullopt;
    if (labelled_) result.quantized_percent = percent_of(result.correct, images_);
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
  const nlohmann::ordered_json json = {
      {"images", result.images}, {"correct", result.correct}, {"seconds", result.seconds}};
  try {
    write_file_atomically(*file_, json.dump(2) + "\n");
  } catch (const UserError& error) {
    spdlog::warn("the accuracy is not kept for later runs: {}", error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    spdlog::warn("the accuracy is not kept for later runs: {}", error.what());
  }
}

}  // namespace shiftsim::sim
