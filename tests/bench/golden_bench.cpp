// Speed of the golden reference: images a second on a residual network of the size that the examples use.
#include <benchmark/benchmark.h>

#include <random>

#include "qnet/golden.h"
#include "qnet/golden_select.h"
#include "tests/qnet/named_networks.h"

namespace {

using namespace shiftsim::qnet;

/// Arguments: threads, index of the kernels (-1: the fastest).
void golden(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const auto kernels = available_kernels();
  const Kernels* chosen = state.range(1) < 0 ? kernels.back() : kernels[static_cast<std::size_t>(state.range(1))];
  const Network network = residual_network();
  force_kernels(chosen);
  const Golden reference(network);
  force_kernels(nullptr);
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
  state.SetLabel(chosen->name);
}

void arguments(benchmark::internal::Benchmark* bench) {
  for (const int threads : {1, 2}) bench->Args({threads, -1});
  for (int i = static_cast<int>(available_kernels().size()) - 2; i >= 0; --i) bench->Args({1, i});
}

BENCHMARK(golden)->Apply(arguments)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
