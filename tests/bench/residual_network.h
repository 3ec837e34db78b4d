// The network that the benchmarks run: the residual network's shape with random weights, so that they need no trained
// one.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::qnet {

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

}  // namespace shiftsim::qnet
