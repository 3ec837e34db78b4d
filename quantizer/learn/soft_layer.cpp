#include "quantizer/learn/soft_layer.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer {

SoftLayer::SoftLayer(const QuantizedNetwork& network, int of, const Recipe& recipe)
    : index(of), layer(&network.plan->layers[static_cast<std::size_t>(of)]) {
  const QuantizedLayer& now = network.layers[static_cast<std::size_t>(of)];
  const std::size_t count = layer->weight.size(), channels = layer->bias.size();
  quantizers = now.quantizers;
  fan = count / channels;
  start_bias = now.learned_bias;
  bias.resize(channels);
  rounding.resize(count);
  exponent.resize(channels);
  base_exponent.resize(channels);
  weights.resize(count);
  weight_gradient.resize(count);
  bias_gradient.resize(channels);
  bias_now = start_bias;
  weight = layer->weight;
  if (recipe.integer_weights == IntegerWeightSearch::kOutput && !recipe.reconstruction.relax_exponents)
    start_at_integer_weights(now.integer_weights);
  start_rounding();
}

void SoftLayer::start_at_integer_weights(const std::vector<std::int8_t>& integer_weights) {
  constexpr double kMargin = 0.45;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const WeightQuantizer& quantizer = quantizers[i / fan];
    const double place = static_cast<double>(weight[i]) / quantizer.step() - quantizer.offset * 0.5;
    const double kept = std::clamp(place, integer_weights[i] - kMargin, integer_weights[i] + kMargin);
    if (quantizer.quantize(static_cast<double>(weight[i])) != integer_weights[i])
      weight[i] = static_cast<float>((kept + quantizer.offset * 0.5) * quantizer.step());
  }
}

void SoftLayer::start_rounding() {
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const WeightQuantizer& quantizer = quantizers[i / fan];
    const auto place = static_cast<float>(weight[i] / quantizer.step() - quantizer.offset * 0.5);
    rounding.value[i] = kernels::inverse_rectified_sigmoid(place - std::floor(place));
  }
  rounding.forget();
}

kernels::SoftChannel SoftLayer::channel(std::size_t k, bool relaxed) const {
  const WeightQuantizer& quantizer = quantizers[k];
  kernels::SoftChannel result;
  result.count = fan;
  result.weight = weight.data() + k * fan;
  result.rounding = rounding.value.data() + k * fan;
  result.step = static_cast<float>(quantizer.step());
  if (relaxed)
    result.step = std::exp2(static_cast<float>(base_exponent[k]) + kernels::rectified_sigmoid(exponent.value[k]));
  result.offset = static_cast<float>(quantizer.offset) * 0.5f;
  result.low = static_cast<float>(quantizer.low());
  result.high = static_cast<float>(quantizer.high());
  return result;
}

void SoftLayer::set_weights(std::size_t k, bool relaxed) {
  kernels::soft_weights(channel(k, relaxed), weights.data() + k * fan);
  bias_now[k] = start_bias[k] + bias_unit * bias.value[k];
}

void SoftLayer::relax_exponent(std::size_t k, double norm) {
  const auto own = std::span(layer->weight).subspan(k * fan, fan);
  const double log = std::log2(best_free_step(own, quantizers[k], norm));
  base_exponent[k] = static_cast<int>(std::floor(log));
  exponent.value[k] = kernels::inverse_rectified_sigmoid(static_cast<float>(log - std::floor(log)));
}

void SoftLayer::exponent_gradient(std::size_t k, float step_gradient, double rounding_weight, int iteration,
                                  int until) {
  const float h = kernels::rectified_sigmoid(exponent.value[k]);
  const float step = std::exp2(static_cast<float>(base_exponent[k]) + h);
  constexpr float kLn2 = 0.69314718f;
  const float done = static_cast<float>(iteration) / static_cast<float>(until);
  const float power = 20 - 18 * done, distance = 2 * h - 1;
  const float pull =
      10 * static_cast<float>(rounding_weight) * power * 2 * std::pow(std::max(std::abs(distance), 1e-12f), power - 1);
  const float logistic = (h + 0.1f) / 1.2f, slope = h > 0 && h < 1 ? 1.2f * logistic * (1 - logistic) : 0.0f;
  exponent.gradient[k] = slope * (step_gradient * step * kLn2 - std::copysign(pull, distance));
}

void SoftLayer::harden_exponent(std::size_t k, const Recipe& recipe) {
  WeightQuantizer& quantizer = quantizers[k];
  const int rounded = base_exponent[k] + (exponent.value[k] >= 0 ? 1 : 0);
  if (rounded == quantizer.exponent) return;
  quantizer.exponent = rounded;
  if (recipe.offsets && quantizer.bits < 8)
    quantizer.offset = best_offset(std::span(layer->weight).subspan(k * fan, fan), quantizer, recipe.norm);
}

void SoftLayer::harden(QuantizedLayer& to) const {
  to.quantizers = quantizers;
  for (std::size_t i = 0; i < to.integer_weights.size(); ++i) {
    const WeightQuantizer& quantizer = quantizers[i / fan];
    const double below = std::floor(weight[i] / quantizer.step() - quantizer.offset * 0.5);
    to.integer_weights[i] = static_cast<std::int8_t>(
        std::clamp<double>(below + (rounding.value[i] >= 0 ? 1 : 0), quantizer.low(), quantizer.high()));
  }
}

void SoftLayer::harden_bias(QuantizedLayer& to) const {
  for (std::size_t k = 0; k < channels(); ++k) to.learned_bias[k] = start_bias[k] + bias_unit * bias.value[k];
}

}  // namespace shiftsim::quantizer
