// Speed of the golden reference: images a second on a residual network of the size that the examples use.
#include <benchmark/benchmark.h>

#include <random>

#include "qnet/bounds.h"
#include "qnet/golden.h"
#include "qnet/golden_select.h"
#include "qnet/network.h"

namespace {

using namespace shiftsim::qnet;

/// ResNet-18's shape for 28x28x1 images: stem of 16 channels, four stages of two basic blocks (16, 32, 64, 128 channels
/// at 28, 14, 7 and 4 pixels), 4-bit weights and activations, 8 bits in the stem, the last layer and the shortcuts.
/// Random weights and offsets.
class ResidualNetwork {
public:
  Network build() {
    network_.name = "bench";
    network_.tensors.push_back({"image", 28, 28, 1, 8, false, {0}});
    int block = conv(0, 16, 3, 1, 8, 4, true);
    for (const int channels : {16, 32, 64, 128}) {
      for (int i = 0; i < 2; ++i) {
        const int stride = i == 0 && channels > 16 ? 2 : 1;
        const int first = conv(block, channels, 3, stride, 4, 4, true);
        const int shortcut = stride == 1 ? block : conv(block, channels, 1, stride, 4, 8, false);
        block = conv(first, channels, 3, 1, 4, 4, true, shortcut);
      }
    }
    logits(block);
    validate(network_, "bench");
    return network_;
  }

private:
  int conv(int input, int channels, int kernel, int stride, int weight_bits, int out_bits, bool relu,
           int residual = -1) {
    const Tensor in = network_.tensors[static_cast<std::size_t>(input)];
    Layer layer;
    layer.name = "layer" + std::to_string(network_.layers.size());
    layer.input = input;
    layer.residual = residual;
    layer.output = static_cast<int>(network_.tensors.size());
    layer.kernel_h = layer.kernel_w = kernel;
    layer.stride_h = layer.stride_w = stride;
    layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = kernel / 2;
    Tensor out{
        layer.name + "_out", (in.height - 1) / stride + 1, (in.width - 1) / stride + 1, channels, out_bits, !relu, {0}};
    layer.activation = relu ? Activation::kRelu : Activation::kNone;
    layer.lo = out.low();
    layer.hi.assign(static_cast<std::size_t>(channels), static_cast<std::uint8_t>(out.high()));
    return add(layer, out, weight_bits);
  }

  void logits(int input) {
    const Tensor in = network_.tensors[static_cast<std::size_t>(input)];
    Layer layer;
    layer.name = "logits";
    layer.input = input;
    layer.output = static_cast<int>(network_.tensors.size());
    layer.kernel_h = in.height;
    layer.kernel_w = in.width;
    add(layer, {"logits_out", 1, 1, 10, kLogitsBits, true, {0}}, 8);
  }

  int add(Layer& layer, Tensor out, int weight_bits) {
    const Tensor& in = network_.tensors[static_cast<std::size_t>(layer.input)];
    const auto outputs = static_cast<std::size_t>(out.channels);
    layer.weight_bits = weight_bits;
    layer.weights.resize(outputs * static_cast<std::size_t>(layer.kernel_h * layer.kernel_w * in.channels));
    const int range = 1 << weight_bits;
    for (std::int8_t& w : layer.weights) w = static_cast<std::int8_t>(static_cast<int>(random_() % range) - range / 2);
    layer.offsets.assign(outputs, 0);
    const bool logits = out.bits == kLogitsBits;
    for (std::int8_t& c : layer.offsets) c = static_cast<std::int8_t>(logits ? 0 : random_() % 3);
    layer.bias.assign(outputs, 0);
    const int n = logits ? 0 : 7;
    const int ea = in.exponents[0] - (layer.has_offset() ? 1 : 0);
    layer.weight_exponents.assign(outputs, 0);
    layer.shifts.assign(outputs, static_cast<std::int8_t>(n));
    out.exponents = {ea + n};
    if (layer.residual >= 0) {
      const int e = network_.tensors[static_cast<std::size_t>(layer.residual)].exponents[0];
      layer.residual_shifts.assign(outputs, static_cast<std::int8_t>(e - ea));
    }
    network_.tensors.push_back(out);
    network_.layers.push_back(layer);
    return layer.output;
  }

  Network network_;
  std::mt19937 random_{1};
};

/// Arguments: threads, index of the kernels (-1: the fastest).
void golden(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const auto kernels = available_kernels();
  const Kernels* chosen = state.range(1) < 0 ? kernels.back() : kernels[static_cast<std::size_t>(state.range(1))];
  const Network network = ResidualNetwork().build();
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
