// Speed of the float engine: images a second on the project's residual network, to stand beside golden_bench.
#include <benchmark/benchmark.h>

#include <random>

#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"

namespace {

using namespace shiftsim;

void float_network(benchmark::State& state, const char* model) {
  const quantizer::Graph graph = quantizer::import_onnx(std::string(SHIFTSIM_SOURCE_DIR "/models/") + model);
  ImageSet images;
  images.count = 512;
  images.height = images.width = 28;
  images.channels = 1;
  std::mt19937 random(1);
  for (std::size_t i = 0; i < images.count * images.image_size(); ++i)
    images.pixels.push_back(static_cast<std::uint8_t>(random() % 256));
  const quantizer::FloatEngine engine(graph, {{0.286}, {0.353}, 255}, static_cast<int>(state.range(0)));
  while (state.KeepRunning()) benchmark::DoNotOptimize(engine.run(images, 0, images.count));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(images.count));
}

}  // namespace

BENCHMARK_CAPTURE(float_network, resnet, "resnet_fmnist.onnx")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(float_network, mobilenet, "mobilenet_fmnist.onnx")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
