// Speed of the golden reference: images a second on a residual network of the size that the examples use.
#include <benchmark/benchmark.h>

#include <random>

#include "qnet/golden.h"
#include "tests/qnet/named_networks.h"

namespace {

using namespace shiftsim;
using namespace shiftsim::qnet;

/// Arguments: threads, instruction set.
void golden(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const auto target = static_cast<SimdTarget>(state.range(1));
  const Network network = residual_network();
  const Golden reference(network, target);
  constexpr std::size_t kImages = 512;
  std::vector<std::uint8_t> images(kImages * network.input().size());
  std::mt19937 random(2);
  for (std::uint8_t& pixel : images) pixel = static_cast<std::uint8_t>(random());
  for (auto _ : state) benchmark::DoNotOptimize(reference.run(images.data(), kImages, threads));
  double total = 0;
  for (const Layer& layer : network.layers) total += static_cast<double>(macs(network, layer));
  const auto done = static_cast<double>(state.iterations()) * kImages;
  state.counters["images/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["MAC/s"] = benchmark::Counter(done * total, benchmark::Counter::kIsRate);
  state.counters["MMAC/image"] = total / 1e6;
  state.SetLabel(to_string(target));
}

void arguments(benchmark::internal::Benchmark* bench) {
  bench->Args({2, static_cast<int>(simd_targets().back())});
  for (const SimdTarget target : simd_targets()) bench->Args({1, static_cast<int>(target)});
}

BENCHMARK(golden)->Apply(arguments)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
