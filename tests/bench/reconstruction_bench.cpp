// Speed of reconstruction: one iteration (soft rounding, forward, loss, backward, Adam) of a unit with QDrop's
// settings, batch 32. scripts/bench_pytorch runs the same iteration in PyTorch beside it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>

#include "quantizer/learn/reconstruct.h"
#include "tests/quantizer/unit_builder.h"

namespace {

using namespace shiftsim::quantizer;

constexpr std::size_t kImages = 64;

/// Two 3x3 convolutions and an identity shortcut.
Plan basic_block(int size, int channels) {
  UnitBuilder builder({channels, size, size}, 1);
  const int middle = builder.conv(0, ConvOptions::same(channels, 3));
  ConvOptions last = ConvOptions::same(channels, 3);
  last.residual = 0;
  builder.conv(middle, last);
  return builder.plan();
}

/// Expansion, depthwise 3x3, linear projection, identity shortcut.
Plan inverted_residual(int size, int channels, int expansion) {
  constexpr auto kRelu6 = shiftsim::qnet::Activation::kRelu6;
  UnitBuilder builder({channels, size, size}, 1);
  const int hidden = channels * expansion;
  const int wide = builder.conv(0, ConvOptions::same(hidden, 1, 1, 1, kRelu6));
  const int depthwise = builder.conv(wide, ConvOptions::same(hidden, 3, 1, hidden, kRelu6));
  ConvOptions last = ConvOptions::same(channels, 1, 1, 1, shiftsim::qnet::Activation::kNone);
  last.residual = 0;
  builder.conv(depthwise, last);
  return builder.plan();
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  std::vector<float> values(count);
  for (float& value : values) value = std::max(normal(random), 0.0f);
  return values;
}

void iteration(benchmark::State& state, const Plan& plan) {
  const Unit unit = partition(plan, Granularity::kNetwork).front();
  const auto quantized = random_values(kImages * plan.tensor(0).shape.size(), 1);
  const auto exact = random_values(kImages * plan.tensor(0).shape.size(), 2);
  const auto target = random_values(kImages * plan.tensor(unit.output).shape.size(), 3);
  const UnitData data{{quantized}, {exact}, target, kImages};
  Recipe recipe;
  recipe.method = "qdrop";
  recipe.reconstruction.drop = 0.5;
  recipe.reconstruction.warmup = 0;  // as in most of a run: the regularizer takes part
  UnitTask task;
  task.activations = true;
  task.iterations = 9;
  shiftsim::ThreadPool workers(static_cast<int>(state.range(0)));
  double cpu_seconds = 0;
  while (state.KeepRunning()) {
    QuantizedNetwork network = nearest_network(plan, -3);
    std::chrono::steady_clock::time_point first, last;
    std::clock_t cpu_first = 0, cpu_last = 0;
    // Set-up and the hard model's loss before and after are not part of an iteration.
    reconstruct(unit, data, recipe, task, workers, network, [&](int done) {
      last = std::chrono::steady_clock::now();
      cpu_last = std::clock();
      if (done != 1) return;
      first = last;
      cpu_first = cpu_last;
    });
    cpu_seconds += static_cast<double>(cpu_last - cpu_first) / CLOCKS_PER_SEC / (task.iterations - 1);
    state.SetIterationTime(std::chrono::duration<double>(last - first).count() / (task.iterations - 1));
  }
  // All threads' time: what counts on a machine that is busy otherwise.
  state.counters["cpu_ms"] = benchmark::Counter(cpu_seconds * 1e3, benchmark::Counter::kAvgIterations);
  state.counters["iterations/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void add(const char* name, Plan plan) {
  benchmark::RegisterBenchmark(name, [plan = std::move(plan)](benchmark::State& state) { iteration(state, plan); })
      ->Arg(1)
      ->Arg(2)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  // scripts/bench_pytorch knows the units by these names.
  add("basic_block/28x28x16", basic_block(28, 16));
  add("basic_block/56x56x64", basic_block(56, 64));
  add("basic_block/14x14x64", basic_block(14, 64));
  add("inverted_residual/28x28x32", inverted_residual(28, 32, 6));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
