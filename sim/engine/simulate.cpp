#include "sim/engine/simulate.h"

#include <spdlog/spdlog.h>

#include "common/error.h"
#include "sim/energy/area.h"
#include "sim/energy/technology.h"
#include "sim/engine/engine.h"

namespace shiftsim::sim {

Report simulate(const RunConfig& config, const Technology& technology, NetworkFacts& facts,
                const std::filesystem::path& output) {
  const ImageSet& images = facts.images();
  if (config.fidelity != Fidelity::kGolden && static_cast<std::size_t>(config.image_count) > images.count) {
    fail("run.images: {} images are to be run, but {} gives {}", config.image_count, config.images, images.count);
  }
  if (const auto problem = clock_problem(config.accelerator, technology)) {
    if (config.clock_check == ClockCheck::kRefuse) fail("clock_mhz: {}", *problem);
    spdlog::warn("clock_mhz: {}", *problem);
  }
  RunResult result = make_engine({config, facts.network(), output, &facts})->run(images);
  result.accuracy = facts.accuracy();
  return Report(config, technology, summarize(facts.network()), std::move(result));
}

Report simulate(const RunConfig& config, NetworkFacts& facts, const std::filesystem::path& output) {
  return simulate(config, load_technology(config.technology), facts, output);
}

Report simulate(const RunConfig& config, const qnet::Network& network, const ImageSet& images,
                const std::filesystem::path& output) {
  NetworkFacts facts(network, images, config.threads, config.accuracy_cache);
  return simulate(config, facts, output);
}

}  // namespace shiftsim::sim
