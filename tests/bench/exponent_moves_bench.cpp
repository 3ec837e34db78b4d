// Speed of the last step of RAPQ: every scale group of the project's MobileNetV2-shaped network, at W2A4, rounded to
// nearest, tries its exponents, judged by 64 images of Fashion-MNIST.
#include <benchmark/benchmark.h>

#include "common/images.h"
#include "quantizer/app/quantize.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/learn/exponent_moves.h"

namespace {

using namespace shiftsim;
using namespace shiftsim::quantizer;

void exponent_moves(benchmark::State& state) {
  const Graph graph = import_onnx(SHIFTSIM_SOURCE_DIR "/models/mobilenet_fmnist.onnx");
  Recipe recipe;
  recipe.weight_bits = 2;
  recipe.activation_bits = 4;
  recipe.network.iterations = 0;
  recipe.input = {{0.286}, {0.353}, 255};
  const ImageSet images = read_images("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", {}, 1, 4096);
  const Plan plan = make_plan(graph, recipe, "mobilenet_fmnist.onnx");
  const QuantizedNetwork start = quantize(plan, recipe, images, choose_images(images.count, 256, 1), {});
  ThreadPool workers(static_cast<int>(state.range(0)));
  HeldOutDivergence held_out(plan, images, choose_images(images.count, 64, 2), workers);
  MemoryBudget budget(std::size_t{1} << 30);
  ActivationMemory memory(budget, "/tmp");
  MovesResult found;
  while (state.KeepRunning()) {
    QuantizedNetwork network = start;
    held_out.set(network);
    found = move_exponents(held_out, memory, recipe, 1, network);
  }
  state.counters["moves_per_second"] = benchmark::Counter(found.tried, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["tried"] = found.tried;
  state.counters["taken"] = found.taken;
  state.counters["before"] = found.before;
  state.counters["after"] = found.after;
}
BENCHMARK(exponent_moves)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
