#include "sim/engine/network_facts.h"

#include "qnet/io.h"
#include "sim/engine/evaluate.h"
#include "sim/engine/result_cache.h"

namespace shiftsim::sim {
namespace {

using Json = nlohmann::ordered_json;

ResultCache accuracy_cache(const std::string& network_hash, const ImageSet& images) {
  ContentKey key = key_of_this_program();
  key.add(network_hash).add_values(images.pixels).add_values(images.labels);
  return {"accuracy", key};
}

ResultCache value_cache(const std::string& network_hash, const ImageSet& images, std::size_t count) {
  ContentKey key = key_of_this_program();
  const std::size_t bytes = count == 0 ? 0 : images.pixels.size() / images.count * count;
  key.add(network_hash).add({reinterpret_cast<const char*>(images.pixels.data()), bytes});
  return {"value_counts", key};
}

/// Nothing where it cannot be true of the network.
std::optional<std::vector<ValueCounts>> read_counts(const Json& json, std::size_t layers) {
  try {
    std::vector<ValueCounts> counts;
    for (const Json& layer : json.at("layers"))
      counts.push_back({layer.at("digit_adds").get<std::int64_t>(), layer.at("window_nonzeros").get<std::int64_t>()});
    if (counts.size() == layers) return counts;
  } catch (const nlohmann::json::exception&) {
    // As if it had not been kept.
  }
  return std::nullopt;
}

Json to_json(const std::vector<ValueCounts>& counts) {
  Json layers = Json::array();
  for (const ValueCounts& layer : counts)
    layers.push_back({{"digit_adds", layer.digit_adds}, {"window_nonzeros", layer.window_nonzeros}});
  return {{"layers", layers}};
}

}  // namespace

NetworkFacts::NetworkFacts(const qnet::Network& network, const ImageSet& images, int threads, bool keep)
    : network_(network), images_(images), threads_(threads), keep_(keep) {
  check_labels(network, images);
  if (keep) network_hash_ = qnet::content_hash(network);
}

const AccuracyResult& NetworkFacts::accuracy() {
  const std::lock_guard lock(mutex_);
  if (!accuracy_) accuracy_ = find_accuracy();
  return *accuracy_;
}

/// A damaged result, and one that cannot be true, counts as not kept.
std::optional<AccuracyResult> NetworkFacts::kept_accuracy() const {
  const auto json = accuracy_cache(network_hash_, images_).load();
  if (!json) return std::nullopt;
  try {
    AccuracyResult result;
    result.float_percent = network_.provenance.float_accuracy;
    result.float_images = network_.provenance.float_accuracy_images;
    result.images = json->at("images").get<std::int64_t>();
    result.correct = json->at("correct").get<std::int64_t>();
    result.seconds = json->at("seconds").get<double>();
    const auto images = static_cast<std::int64_t>(images_.count);
    if (result.images != images || result.correct < 0 || result.correct > images || !(result.seconds >= 0))
      return std::nullopt;
    if (!images_.labels.empty()) result.quantized_percent = percent_of(result.correct, images);
    result.kept = true;
    return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

AccuracyResult NetworkFacts::find_accuracy() const {
  if (!keep_) return evaluate(network_, images_, threads_);
  if (const auto kept = kept_accuracy()) return *kept;
  const AccuracyResult result = evaluate(network_, images_, threads_);
  accuracy_cache(network_hash_, images_)
      .save({{"images", result.images}, {"correct", result.correct}, {"seconds", result.seconds}});
  return result;
}

std::vector<ValueCounts> NetworkFacts::value_counts(std::size_t count) {
  const std::lock_guard lock(mutex_);
  if (value_counts_.empty() || counted_images_ != count) {
    value_counts_ = find_value_counts(count);
    counted_images_ = count;
  }
  return value_counts_;
}

std::vector<ValueCounts> NetworkFacts::find_value_counts(std::size_t count) const {
  const auto find = [&] { return count_values(network_, images_, count, threads_); };
  if (!keep_) return find();
  const ResultCache cache = value_cache(network_hash_, images_, count);
  if (const auto json = cache.load()) {
    if (const auto kept = read_counts(*json, network_.layers.size())) return *kept;
  }
  std::vector<ValueCounts> counts = find();
  cache.save(to_json(counts));
  return counts;
}

}  // namespace shiftsim::sim
