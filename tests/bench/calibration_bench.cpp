// Speed of calibration: quantizers and exponents searched, both networks' outputs computed, biases corrected, over all
// layers of an inverted residual as it stands early in MobileNetV2.
#include <benchmark/benchmark.h>

#include <numeric>
#include <random>

#include "quantizer/calibrate/calibration.h"
#include "tests/quantizer/unit_builder.h"

namespace {

using namespace shiftsim;
using namespace shiftsim::quantizer;

constexpr int kSize = 56, kChannels = 24, kExpansion = 6;

/// Expansion, depthwise 3x3 whose input has an exponent for each channel, linear projection, identity shortcut.
Plan inverted_residual() {
  constexpr auto kRelu6 = qnet::Activation::kRelu6;
  UnitBuilder builder({kChannels, kSize, kSize}, 1);
  const int hidden = kChannels * kExpansion;
  const int wide = builder.conv(0, ConvOptions::same(hidden, 1, 1, 1, kRelu6));
  const int depthwise = builder.conv(wide, ConvOptions::same(hidden, 3, 1, hidden, kRelu6));
  ConvOptions last = ConvOptions::same(kChannels, 1, 1, 1, qnet::Activation::kNone);
  last.residual = 0;
  builder.conv(depthwise, last);
  Plan plan = builder.plan();
  plan.tensors[static_cast<std::size_t>(wide)].per_channel = true;
  return plan;
}

void calibrate(benchmark::State& state) {
  const Plan plan = inverted_residual();
  constexpr std::size_t kImages = 64;
  ImageSet images{kImages, kSize, kSize, kChannels, {}, {}};
  images.pixels.resize(kImages * images.image_size());
  std::mt19937 random(1);
  for (auto& pixel : images.pixels) pixel = static_cast<std::uint8_t>(random() % 4);
  std::vector<std::size_t> all(kImages);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const Recipe recipe;
  ThreadPool workers(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    MemoryBudget budget(std::size_t{4} << 30);
    ActivationMemory memory(budget, "/tmp");
    QuantizedNetwork network = undecided(plan);
    Calibrator calibrator(network, recipe, workers, memory);
    calibrator.load(images, all);
    for (std::size_t layer = 0; layer < plan.layers.size(); ++layer) {
      calibrator.run(layer, {});
      calibrator.release(layer);
    }
  }
  state.counters["images_per_second"] =
      benchmark::Counter(static_cast<double>(kImages), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(calibrate)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
