#include "quantizer/export/integer_export.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/error.h"
#include "quantizer/export/activation_table.h"
#include "quantizer/plan/legality.h"

namespace shiftsim::quantizer {

namespace {

template <typename T>
T narrow(std::int64_t value, const std::string& layer, const char* what) {
  SHIFTSIM_CHECK(value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max(), "layer {}: {} {}",
                 layer, what, value);
  return static_cast<T>(value);
}

/// From [k][channel][ky][kx] to [k][ky][kx][channel].
std::vector<std::int8_t> channels_last(const std::vector<std::int8_t>& integer_weights, std::size_t outputs,
                                       std::size_t window) {
  std::vector<std::int8_t> result(integer_weights.size());
  const std::size_t fan = integer_weights.size() / outputs, inputs = fan / window;
  for (std::size_t k = 0; k < outputs; ++k)
    for (std::size_t c = 0; c < inputs; ++c)
      for (std::size_t t = 0; t < window; ++t)
        result[k * fan + t * inputs + c] = integer_weights[k * fan + c * window + t];
  return result;
}

class Exporter {
public:
  explicit Exporter(const QuantizedNetwork& source) : source_(source) {}

  qnet::Network run() {
    const Plan& plan = *source_.plan;
    result_.name = plan.name;
    result_.input_spec = plan.input_spec;
    for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
      const PlannedTensor& from = plan.tensors[i];
      qnet::Tensor tensor;
      tensor.name = from.name;
      tensor.height = from.shape.height;
      tensor.width = from.shape.width;
      tensor.channels = from.shape.channels;
      tensor.bits = from.is_logits ? qnet::kLogitsBits : from.range.bits;
      tensor.is_signed = from.is_logits || from.range.is_signed;
      tensor.exponents = from.is_logits ? std::vector<int>{0} : source_.exponents[i];
      result_.tensors.push_back(std::move(tensor));
    }
    for (std::size_t i = 0; i < plan.layers.size(); ++i) add_layer(plan.layers[i], source_.layers[i]);
    return std::move(result_);
  }

private:
  qnet::Tensor& tensor(int index) { return result_.tensors[static_cast<std::size_t>(index)]; }

  void add_layer(const PlannedLayer& from, const QuantizedLayer& values) {
    qnet::Layer layer;
    layer.name = from.name;
    layer.kind = from.kind;
    layer.input = from.input;
    layer.residual = from.residual;
    layer.output = from.output;
    set_window(layer, from.geometry.window);
    layer.activation = from.activation;
    layer.channels = from.view.channels;
    layer.view = from.view.geometry;
    if (from.has_weights()) add_weights(layer, from, values);
    if (from.function) return add_function(std::move(layer), from);
    if (!from.has_weights() && from.requantizes()) {
      const qnet::Tensor &in = tensor(layer.input), &out = tensor(layer.output);
      for (int k = 0; k < out.channels; ++k)
        layer.shifts.push_back(narrow<std::int8_t>(out.exponent(k) - in.exponent(k), layer.name, "shift"));
    }
    if (source_.plan->has_scale(from)) {
      const ActivationRange& range = source_.plan->tensor(from.output).range;
      layer.lo = from.activation == qnet::Activation::kNone ? range.low() : 0;
      for (int k = 0; k < tensor(layer.output).channels; ++k)
        layer.hi.push_back(narrow<std::uint8_t>(
            range.high(tensor(layer.output).exponent(k), static_cast<std::size_t>(k)), layer.name, "hi"));
    }
    result_.layers.push_back(std::move(layer));
  }

  /// A sum of one value, in codes of 8 bits, through a table.
  void add_function(qnet::Layer layer, const PlannedLayer& from) {
    const qnet::Tensor &in = tensor(layer.input), &out = tensor(layer.output);
    become_table(layer, in);
    layer.table = activation_table(*from.function, {layer.lo, layer.table_exponent},
                                   source_.plan->tensor(from.output).range, out.exponents[0]);
    result_.layers.push_back(std::move(layer));
  }

  void add_weights(qnet::Layer& layer, const PlannedLayer& from, const QuantizedLayer& values) {
    const Plan& plan = *source_.plan;
    const std::size_t outputs = values.quantizers.size(), fan = values.integer_weights.size() / outputs;
    layer.groups = from.geometry.groups;
    layer.weight_bits = from.weight_bits;
    layer.weights = channels_last(values.integer_weights, outputs, from.geometry.window.taps());
    const bool offsets = std::any_of(values.quantizers.begin(), values.quantizers.end(),
                                     [](const WeightQuantizer& quantizer) { return quantizer.offset != 0; });
    if (layer.input == 0 && from.geometry.window.padded())
      for (const int value : plan.pad_values)
        layer.pad_values.push_back(narrow<std::uint8_t>(value, layer.name, "pad value"));

    std::vector<int> accumulator(outputs);
    for (std::size_t k = 0; k < outputs; ++k) {
      const WeightQuantizer& quantizer = values.quantizers[k];
      const ChannelLimits limits =
          channel_limits(plan, from, source_.exponents, k, values.bias[k], offsets, qnet::kLogitsBits);
      accumulator[k] = limits.accumulator_exponent(quantizer);
      layer.weight_exponents.push_back(narrow<std::int8_t>(quantizer.exponent, layer.name, "weight exponent"));
      layer.offsets.push_back(narrow<std::int8_t>(quantizer.offset, layer.name, "offset"));
      const double bias = limits.integer_bias(quantizer, std::span(values.integer_weights).subspan(k * fan, fan));
      SHIFTSIM_CHECK(std::abs(bias) < 0x1p31, "layer {}: bias {}", layer.name, bias);
      layer.bias.push_back(static_cast<std::int32_t>(bias));
    }
    qnet::Tensor& out = tensor(layer.output);
    if (plan.tensor(from.output).is_logits) out.exponents = {*std::min_element(accumulator.begin(), accumulator.end())};
    for (std::size_t k = 0; k < outputs; ++k) {
      const int channel = static_cast<int>(k);
      layer.shifts.push_back(narrow<std::int8_t>(out.exponent(channel) - accumulator[k], layer.name, "shift"));
      if (layer.residual >= 0)
        layer.residual_shifts.push_back(narrow<std::int8_t>(tensor(layer.residual).exponent(channel) - accumulator[k],
                                                            layer.name, "residual shift"));
    }
  }

  const QuantizedNetwork& source_;
  qnet::Network result_;
};

}  // namespace

qnet::Network to_integers(const QuantizedNetwork& network) {
  return Exporter(network).run();
}

}  // namespace shiftsim::quantizer
