#include "sim/sweep/point_runner.h"

#include <exception>
#include <limits>

#include "common/error.h"
#include "common/hash.h"
#include "sim/engine/inputs.h"
#include "sim/engine/simulate.h"
#include "sim/report/report_csv.h"
#include "sim/sweep/metrics.h"

namespace shiftsim::sim {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kDigestDigits = 16;

/// What went wrong in a run that ended; empty where nothing did.
std::string disagreement(const RunResult& result) {
  if (result.lockstep.verdict == "fail") return "lockstep: " + result.lockstep.difference;
  if (result.values.mismatches > 0) return "values: " + result.values.first_mismatch;
  return "";
}

}  // namespace

Row PointRunner::run(std::size_t point, const std::function<RunConfig()>& load) {
  Row row;
  try {
    return run_config(point, load());
  } catch (const UserError& error) {
    row.state = Row::State::kUnfit;
    row.reason = error.what();
  } catch (const std::logic_error& error) {
    row.state = Row::State::kWrong;
    row.reason = std::string("internal error: ") + error.what();
  }
  return row;
}

Row PointRunner::run_config(std::size_t point, const RunConfig& loaded) {
  RunConfig config = loaded;
  config.threads = 1;  // the processors have processes of their own
  const Report report =
      simulate(config, technology(config.technology), facts(config), waveforms_ / std::to_string(point));
  Row row;
  row.reason = disagreement(report.result());
  if (!row.reason.empty()) {
    row.state = Row::State::kWrong;
    return row;
  }
  row.state = Row::State::kRun;
  for (const Metric& metric : metrics()) row.metrics.push_back(metric.of == nullptr ? kUnknown : metric.of(report));
  row.digest = sha256(layers_csv(report)).substr(0, kDigestDigits);
  return row;
}

double PointRunner::accuracy(const RunConfig& config) {
  if (config.labels.empty()) return kUnknown;
  const qnet::Network network = read_network(config);
  const ImageSet images = read_test_images(config, network, static_cast<std::size_t>(config.test_images));
  return NetworkFacts(network, images, config.threads, config.accuracy_cache).accuracy().quantized_percent;
}

std::shared_ptr<const qnet::Network> PointRunner::network(const RunConfig& config) {
  const auto known = networks_.find(config.network);
  if (known != networks_.end()) return known->second;
  const auto read = std::make_shared<const qnet::Network>(read_network(config));
  return networks_.emplace(config.network, read).first->second;
}

/// Only the images that the engine runs, and no labels: the accuracy is measured elsewhere.
NetworkFacts& PointRunner::facts(const RunConfig& config) {
  const std::string key = fmt::format("{}\n{}\n{}", config.network, config.images, config.image_count);
  const auto known = inputs_.find(key);
  if (known != inputs_.end()) return *known->second.facts;
  RunConfig unlabelled = config;
  unlabelled.labels.clear();
  const std::shared_ptr<const qnet::Network> run = network(config);
  ImageSet images = read_test_images(unlabelled, *run, static_cast<std::size_t>(config.image_count));
  Inputs& inputs = inputs_.emplace(key, Inputs{run, std::move(images), nullptr}).first->second;
  inputs.facts = std::make_unique<NetworkFacts>(*inputs.network, inputs.images, config.threads, config.accuracy_cache);
  return *inputs.facts;
}

const Technology& PointRunner::technology(const std::string& file) {
  const auto known = technologies_.find(file);
  if (known != technologies_.end()) return known->second;
  return technologies_.emplace(file, load_technology(file)).first->second;
}

}  // namespace shiftsim::sim
