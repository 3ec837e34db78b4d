#include "sim/engine/simulate.h"

#include "common/error.h"
#include "sim/energy/technology.h"
#include "sim/engine/accuracy_cache.h"
#include "sim/engine/engine.h"
#include "sim/engine/evaluate.h"

namespace shiftsim::sim {
namespace {

AccuracyResult accuracy(const RunConfig& config, const qnet::Network& network, const ImageSet& images) {
  check_labels(network, images);
  if (!config.accuracy_cache) return evaluate(network, images, config.threads);
  const AccuracyCache cache(network, images);
  if (const auto kept = cache.load()) return *kept;
  const AccuracyResult result = evaluate(network, images, config.threads);
  cache.save(result);
  return result;
}

}  // namespace

Report simulate(const RunConfig& config, const qnet::Network& network, const ImageSet& images,
                const std::filesystem::path& output) {
  if (config.fidelity != Fidelity::kGolden && static_cast<std::size_t>(config.image_count) > images.count) {
    fail("run.images: {} images are to be run, but {} gives {}", config.image_count, config.images, images.count);
  }
  const Technology technology = load_technology(config.technology);
  RunResult result = make_engine({config, network, output})->run(images);
  result.accuracy = accuracy(config, network, images);
  return Report(config, technology, summarize(network), std::move(result));
}

}  // namespace shiftsim::sim
