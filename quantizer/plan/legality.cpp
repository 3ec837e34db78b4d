#include "quantizer/plan/legality.h"

#include <algorithm>
#include <cmath>

#include "qnet/bounds.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kWordBits = 32, kLargestShift = 31, kLargestExponent = 127;

int exponent_of(const std::vector<int>& exponents, std::size_t channel) {
  return exponents.size() == 1 ? exponents[0] : exponents[channel];
}

/// Adds w * [low, high] to an interval.
void add_product(qnet::Interval& sum, std::int64_t w, std::int64_t low, std::int64_t high) {
  sum.low += w * (w >= 0 ? low : high);
  sum.high += w * (w >= 0 ? high : low);
}

/// Shifts wider than this are refused before they are computed; 8-bit residuals shifted by it still fit 64 bits.
bool shift_in_range(int shift) {
  return shift >= -kLargestShift && shift <= kLargestShift;
}

std::int64_t shift_residual(std::int64_t value, int shift) {
  return shift >= 0 ? value << shift : (value + (std::int64_t{1} << (-shift - 1))) >> -shift;
}

bool fits(const qnet::Interval& interval, int bits) {
  return interval.bits() <= bits;
}

}  // namespace

double ChannelLimits::integer_bias(const WeightQuantizer& quantizer,
                                   std::span<const std::int8_t> integer_weights) const {
  double result = std::round(std::ldexp(bias, -accumulator_exponent(quantizer)));
  if (pad_values.empty()) return result;
  // The weights were made for pixel - pad_value.
  std::int64_t padding = 0;
  for (std::size_t i = 0; i < integer_weights.size(); ++i) {
    const std::int64_t integer = offsets ? 2 * integer_weights[i] + quantizer.offset : integer_weights[i];
    padding += integer * pad_values[i / window];
  }
  return result - static_cast<double>(padding);
}

bool ChannelLimits::allow(const WeightQuantizer& quantizer, std::span<const std::int8_t> integer_weights) const {
  if (std::abs(quantizer.exponent) > kLargestExponent) return false;
  qnet::Interval plain, sum, total;
  for (const std::int8_t integer : integer_weights) {
    add_product(plain, integer, input_low, input_high);
    add_product(sum, 1, input_low, input_high);
    add_product(total, offsets ? 2 * integer + quantizer.offset : integer, input_low, input_high);
  }
  if (!fits(plain, acc_bits) || (offsets && !fits(sum, acc_bits)) || (depthwise && !fits(total, acc_bits)))
    return false;

  const double wide_bias = integer_bias(quantizer, integer_weights);
  if (std::abs(wide_bias) >= 0x1p31) return false;
  if (!output_exponent) return true;

  const auto integer = static_cast<std::int64_t>(wide_bias);
  qnet::Interval x{total.low + integer, total.high + integer};
  if (!fits(total, kWordBits) || !fits(x, kWordBits)) return false;
  const int accumulator = accumulator_exponent(quantizer);
  if (residual_exponent) {
    const int shift = *residual_exponent - accumulator;
    if (!shift_in_range(shift)) return false;
    const qnet::Interval r{shift_residual(residual_low, shift), shift_residual(residual_high, shift)};
    x.low += r.low;
    x.high += r.high;
    if (!fits(r, kWordBits) || !fits(x, kWordBits)) return false;
  }
  const int shift = *output_exponent - accumulator;
  if (!shift_in_range(shift)) return false;
  if (shift > 0) {
    const std::int64_t half = std::int64_t{1} << (shift - 1);
    return fits({x.low + half, x.high + half}, kWordBits);
  }
  return fits({x.low * (std::int64_t{1} << -shift), x.high * (std::int64_t{1} << -shift)}, kWordBits);
}

ChannelLimits channel_limits(const Plan& plan, const PlannedLayer& layer,
                             const std::vector<std::vector<int>>& exponents, std::size_t k, double bias, bool offsets,
                             int acc_bits, std::optional<int> logits_exponent) {
  ChannelLimits limits;
  const PlannedTensor &in = plan.tensor(layer.input), &out = plan.tensor(layer.output);
  const auto known = [&](int tensor) -> const std::vector<int>& { return exponents[static_cast<std::size_t>(tensor)]; };
  const auto groups = static_cast<std::size_t>(layer.geometry.groups);
  const std::size_t group_inputs = static_cast<std::size_t>(in.shape.channels) / groups;
  const std::size_t group_outputs = static_cast<std::size_t>(out.shape.channels) / groups;
  const std::size_t first_input = k / group_outputs * group_inputs;
  limits.acc_bits = acc_bits;
  limits.input_low = in.range.low();
  limits.input_high = (1 << (in.range.is_signed ? in.range.bits - 1 : in.range.bits)) - 1;
  limits.input_exponent = exponent_of(known(layer.input), first_input);
  limits.offsets = offsets;
  limits.depthwise = layer.geometry.is_depthwise();
  limits.bias = bias;
  limits.window = layer.geometry.window.taps();
  if (layer.input == 0) limits.pad_values = std::span(plan.pad_values).subspan(first_input, group_inputs);
  if (out.is_logits)
    limits.output_exponent = logits_exponent;
  else if (!known(layer.output).empty())
    limits.output_exponent = exponent_of(known(layer.output), k);
  if (layer.residual >= 0) {
    const PlannedTensor& residual = plan.tensor(layer.residual);
    limits.residual_exponent = exponent_of(known(layer.residual), k);
    limits.residual_low = residual.range.low();
    limits.residual_high = (1 << (residual.range.is_signed ? residual.range.bits - 1 : residual.range.bits)) - 1;
  }
  return limits;
}

namespace {

/// A decided layer, its input and residual decided, too.
bool keeps_contract(const QuantizedNetwork& network, std::size_t index, const Recipe& recipe) {
  const PlannedLayer& layer = network.plan->layers[index];
  const QuantizedLayer& values = network.layers[index];
  const std::size_t fan = values.integer_weights.size() / values.quantizers.size();
  const bool offsets = recipe.offsets && layer.weight_bits < 8;
  std::optional<int> logits;
  if (network.plan->tensor(layer.output).is_logits)
    for (std::size_t k = 0; k < values.quantizers.size(); ++k) {
      const int own = channel_limits(*network.plan, layer, network.exponents, k, 0, offsets, recipe.acc_bits)
                          .accumulator_exponent(values.quantizers[k]);
      logits = logits ? std::min(*logits, own) : own;
    }
  for (std::size_t k = 0; k < values.quantizers.size(); ++k) {
    const WeightQuantizer& quantizer = values.quantizers[k];
    const auto integer_weights = std::span(values.integer_weights).subspan(k * fan, fan);
    if (!quantizer.power_of_two() || quantizer.bits != layer.weight_bits || quantizer.offset < -8 ||
        quantizer.offset > 7)
      return false;
    if (quantizer.offset != 0 && !offsets) return false;
    if (std::any_of(integer_weights.begin(), integer_weights.end(),
                    [&](int integer) { return integer < quantizer.low() || integer > quantizer.high(); }))
      return false;
    if (!channel_limits(*network.plan, layer, network.exponents, k, values.bias[k], offsets, recipe.acc_bits, logits)
             .allow(quantizer, integer_weights))
      return false;
  }
  return true;
}

}  // namespace

const PlannedLayer* first_illegal_layer(const QuantizedNetwork& network, const Recipe& recipe) {
  const auto decided = [&](int tensor) {
    return tensor < 0 || !network.exponents[static_cast<std::size_t>(tensor)].empty();
  };
  for (std::size_t tensor = 0; tensor < network.mantissas.size(); ++tensor) {
    const std::vector<double>& mantissas = network.mantissas[tensor];
    if (std::all_of(mantissas.begin(), mantissas.end(), [](double m) { return m == 1; })) continue;
    for (const PlannedLayer& layer : network.plan->layers)
      if (layer.output == static_cast<int>(tensor)) return &layer;
    return &network.plan->layers.front();
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const PlannedLayer& layer = network.plan->layers[i];
    if (network.layers[i].quantizers.empty() || !decided(layer.input) || !decided(layer.residual)) continue;
    if (!keeps_contract(network, i, recipe)) return &layer;
  }
  return nullptr;
}

bool is_legal(const QuantizedNetwork& network, const Recipe& recipe) {
  return first_illegal_layer(network, recipe) == nullptr;
}

}  // namespace shiftsim::quantizer
