// Speed of the search for a channel's integer weights, by weights of a channel and their bits.
#include "quantizer/search/integer_weight_search.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <random>

namespace {

using namespace shiftsim::quantizer;

/// Second moments of inputs of which neighbours are alike, as those of images are.
WindowMoments moments_of(std::size_t fan) {
  std::vector<float> values(fan * fan);
  for (std::size_t i = 0; i < fan; ++i)
    for (std::size_t j = 0; j < fan; ++j)
      values[i * fan + j] = std::pow(0.8f, static_cast<float>(i > j ? i - j : j - i));
  return {fan, std::move(values)};
}

void integer_weight_search(benchmark::State& state) {
  const auto fan = static_cast<std::size_t>(state.range(0));
  const WindowMoments moments = moments_of(fan);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  std::vector<float> weights(fan);
  for (float& weight : weights) weight = normal(random);
  const WeightSearch search{static_cast<int>(state.range(1)), true, 2.4};
  const auto all = [](const WeightQuantizer&, auto) { return true; };
  while (state.KeepRunning())
    benchmark::DoNotOptimize(search_integer_weights(weights, search, moments.of_group(0), all).error);
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK(integer_weight_search)->ArgsProduct({{9, 64, 576, 4608}, {2, 4}})->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
