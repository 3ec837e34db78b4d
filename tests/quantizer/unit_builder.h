// Plans made layer by layer, without ONNX: for tests and benchmarks of single reconstruction units.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "quantizer/calibrate/calibration.h"
#include "quantizer/plan/plan.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

struct ConvOptions {
  int out = 1, kernel = 1, stride = 1, dilation = 1, groups = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  qnet::Activation activation = qnet::Activation::kNone;
  int residual = -1;  ///< tensor

  /// Padded so that stride 1 keeps the map's size.
  static ConvOptions same(int out, int kernel, int stride = 1, int groups = 1,
                          qnet::Activation activation = qnet::Activation::kRelu) {
    const int pad = kernel / 2;
    return {out, kernel, stride, 1, groups, pad, pad, pad, pad, activation, -1};
  }
};

/// Every function returns the tensor that the new layer makes. Tensor 0 is the image: here any float tensor.
class UnitBuilder {
public:
  UnitBuilder(const Shape& input, unsigned seed, int weight_bits = 4, int activation_bits = 4)
      : random_(seed), weight_bits_(weight_bits), activation_bits_(activation_bits) {
    plan_.name = "unit";
    plan_.pad_values.assign(static_cast<std::size_t>(input.channels), 0);
    add_tensor(input, qnet::Activation::kRelu);
  }

  int conv(int input, const ConvOptions& o) {
    const Shape& in = plan_.tensor(input).shape;
    const Window window{o.kernel,   o.kernel,  o.stride,   o.stride,     o.dilation,
                        o.dilation, o.pad_top, o.pad_left, o.pad_bottom, o.pad_right};
    PlannedLayer layer = window_layer(qnet::LayerKind::kConv, input, window, o.out);
    layer.geometry.groups = o.groups;
    layer.activation = o.activation;
    layer.residual = o.residual;
    layer.weight_bits = weight_bits_;
    const int fan = in.channels / o.groups * o.kernel * o.kernel;
    std::normal_distribution<float> normal(0.0f, std::sqrt(2.0f / static_cast<float>(fan)));
    layer.weight.resize(layer.geometry.weight_count());
    for (float& value : layer.weight) value = normal(random_);
    layer.bias.resize(static_cast<std::size_t>(o.out));
    for (float& value : layer.bias) value = 0.3f * normal(random_);
    return add_layer(std::move(layer));
  }

  int max_pool(int input, const Window& window) {
    return add_layer(window_layer(qnet::LayerKind::kMaxPool, input, window, plan_.tensor(input).shape.channels));
  }

  int sum_pool(int input) {
    const Shape& in = plan_.tensor(input).shape;
    Window window;
    window.kernel_h = in.height;
    window.kernel_w = in.width;
    return add_layer(window_layer(qnet::LayerKind::kSumPool, input, window, in.channels));
  }

  /// All rows and columns behind those that are cropped, 'channels' of them in this order.
  int view(int input, int joined, std::vector<std::int32_t> channels, const qnet::ViewGeometry& geometry) {
    PlannedLayer layer = window_layer(qnet::LayerKind::kView, input, {}, static_cast<int>(channels.size()));
    layer.residual = joined;
    const Shape& first = plan_.tensor(input).shape;
    const Shape& second = plan_.tensor(joined).shape;
    layer.view = {std::move(channels), geometry, first, second};
    const Shape all = joined_shape(first, second, geometry.join);
    layer.geometry.output.height = (all.height - geometry.crop_top) * geometry.upsample_h;
    layer.geometry.output.width = (all.width - geometry.crop_left) * geometry.upsample_w;
    return add_layer(std::move(layer));
  }

  int function(int input, const ScalarFunction& of) {
    PlannedLayer layer = window_layer(qnet::LayerKind::kSumPool, input, {}, plan_.tensor(input).shape.channels);
    layer.function = of;
    return add_layer(std::move(layer));
  }

  const Plan& plan() const { return plan_; }
  std::mt19937& random() { return random_; }

private:
  PlannedLayer window_layer(qnet::LayerKind kind, int input, const Window& window, int channels) const {
    PlannedLayer layer;
    layer.kind = kind;
    layer.input = input;
    layer.name = "layer" + std::to_string(plan_.layers.size());
    const Shape& in = plan_.tensor(input).shape;
    layer.geometry = {in, {channels, window.out_height(in.height), window.out_width(in.width)}, window, 1};
    return layer;
  }

  int add_tensor(const Shape& shape, qnet::Activation activation) {
    PlannedTensor tensor;
    tensor.name = "tensor" + std::to_string(plan_.tensors.size());
    tensor.shape = shape;
    tensor.range = {activation_bits_, activation == qnet::Activation::kNone, {}};
    if (activation == qnet::Activation::kRelu6) tensor.range.ceilings = {6};
    plan_.tensors.push_back(tensor);
    return static_cast<int>(plan_.tensors.size()) - 1;
  }

  int add_layer(PlannedLayer layer) {
    layer.output = add_tensor(layer.geometry.output, layer.activation);
    plan_.layers.push_back(std::move(layer));
    return plan_.layers.back().output;
  }

  std::mt19937 random_;
  int weight_bits_, activation_bits_;
  Plan plan_;
};

/// Everything decided: weights rounded to nearest on searched quantizers, every tensor at 'exponent'.
inline QuantizedNetwork nearest_network(const Plan& plan, int exponent) {
  QuantizedNetwork network = undecided(plan);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    if (layer.kind != qnet::LayerKind::kConv) continue;
    QuantizedLayer& to = network.layers[i];
    const std::size_t fan = layer.weight.size() / layer.bias.size();
    to.quantizers.clear();
    to.integer_weights.clear();
    for (std::size_t k = 0; k < layer.bias.size(); ++k) {
      const auto weights = std::span(layer.weight).subspan(k * fan, fan);
      to.quantizers.push_back(search_quantizer(weights, {layer.weight_bits, true, 2.4}));
      for (const float weight : weights)
        to.integer_weights.push_back(
            static_cast<std::int8_t>(to.quantizers.back().quantize(static_cast<double>(weight))));
    }
    to.bias.assign(layer.bias.begin(), layer.bias.end());
    to.learned_bias = layer.bias;
  }
  for (std::size_t t = 0; t < plan.tensors.size(); ++t) network.set_steps(static_cast<int>(t), {std::exp2(exponent)});
  return network;
}

}  // namespace shiftsim::quantizer
