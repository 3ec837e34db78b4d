#include "quantizer/exchange/layer_numbers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/index.h"

namespace shiftsim::quantizer {

namespace {

// Of integers, all up to this are values of single precision.
constexpr double kLargestExact = 0x1p24;
constexpr double kQuarter = 0.25;

struct Geometry {
  std::size_t taps, inputs;  ///< of one output channel
};

Geometry geometry_of(const qnet::Network& network, const qnet::Layer& layer) {
  const int inputs =
      qnet::row_of(layer.kind).has_weights ? network.in(layer).channels / layer.groups : 1;  // pools keep them apart
  return {index(layer.kernel_h) * index(layer.kernel_w), index(inputs)};
}

/// First input channel that output channel k reads.
int first_input(const qnet::Network& network, const qnet::Layer& layer, int k) {
  if (!qnet::row_of(layer.kind).has_weights) return k;
  const int group_outputs = network.out(layer).channels / layer.groups;
  return k / group_outputs * (network.in(layer).channels / layer.groups);
}

/// Interval of the sums of one output channel, ends and all that partial sums may reach, at the weights' exponent; and
/// the sum that the pad values would give over the whole window.
struct SumRange {
  double low = 0, high = 0, pads = 0;
};

SumRange sum_range(const qnet::Network& network, const qnet::Layer& layer, const WidenedWeights& weights, int k) {
  const Geometry g = geometry_of(network, layer);
  const qnet::Tensor& input = network.in(layer);
  const int first = first_input(network, layer, k);
  SumRange range;
  for (std::size_t c = 0; c < g.inputs; ++c) {
    const double pad = layer.pad_values.empty() ? 0.0 : layer.pad_values[index(first) + c];
    const double low = input.low() - pad, high = input.high() - pad;
    for (std::size_t t = 0; t < g.taps; ++t) {
      const double w = weights.codes[(index(k) * g.inputs + c) * g.taps + t];
      range.low += std::min(w * low, w * high);
      range.high += std::max(w * low, w * high);
      range.pads += w * pad;
    }
  }
  return range;
}

/// The largest magnitude of the shifted residual, in accumulator steps.
double residual_reach(const qnet::Network& network, const qnet::Layer& layer, int k) {
  if (layer.residual < 0) return 0;
  const qnet::Tensor& residual = network.tensors[index(layer.residual)];
  const int most = std::max(-residual.low(), residual.high());
  return std::ceil(std::ldexp(most, layer.residual_shifts[index(k)]));
}

}  // namespace

WidenedWeights widened_weights(const qnet::Network& network, const qnet::Layer& layer) {
  const Geometry g = geometry_of(network, layer);
  const qnet::LayerKindRow& kind = qnet::row_of(layer.kind);
  const std::size_t outputs = index(network.out(layer).channels);
  WidenedWeights result;
  result.codes.assign(outputs * g.inputs * g.taps, kind.fixed_weight);
  result.exponents.assign(outputs, 0);
  result.low = result.high = kind.fixed_weight;
  if (!kind.has_weights) return result;
  const int lowest = -(1 << (layer.weight_bits - 1)), highest = -lowest - 1;
  for (std::size_t k = 0; k < outputs; ++k) {
    const int c = layer.offsets[k], factor = c != 0 ? 2 : 1;
    result.exponents[k] = layer.weight_exponents[k] - (c != 0 ? 1 : 0);
    result.low = std::min(result.low, factor * lowest + c);
    result.high = std::max(result.high, factor * highest + c);
    for (std::size_t t = 0; t < g.taps; ++t)
      for (std::size_t i = 0; i < g.inputs; ++i)
        result.codes[(k * g.inputs + i) * g.taps + t] = factor * layer.weights[(k * g.taps + t) * g.inputs + i] + c;
  }
  return result;
}

int accumulator_exponent(const qnet::Network& network, const qnet::Layer& layer, int channel) {
  const int target = layer.has_table() ? layer.table_exponent : network.out(layer).exponent(channel);
  return target - layer.shifts[index(channel)];
}

RealBias real_bias(const qnet::Network& network, const qnet::Layer& layer) {
  const WidenedWeights weights = widened_weights(network, layer);
  RealBias result;
  for (int k = 0; k < network.out(layer).channels; ++k) {
    const int ea = accumulator_exponent(network, layer, k);
    // What was not widened lies a step of the accumulator higher.
    const int input_exponent = network.in(layer).exponent(first_input(network, layer, k));
    const double steps = std::ldexp(1.0, input_exponent + weights.exponents[index(k)] - ea);
    const SumRange range = sum_range(network, layer, weights, k);
    const double integer = layer.bias.empty() ? 0.0 : layer.bias[index(k)];
    const bool tie = layer.shifts[index(k)] > 0;
    const double bias = integer + steps * range.pads + (tie ? kQuarter : 0.0);
    const double reach = steps * std::max(-range.low, range.high) + std::abs(bias) + residual_reach(network, layer, k);
    if (reach > kLargestExact * (tie ? kQuarter : 1.0)) ++result.inexact_channels;
    if (tie) ++result.quarter_channels;
    result.values.push_back(static_cast<float>(std::ldexp(bias, ea)));
  }
  return result;
}

}  // namespace shiftsim::quantizer
