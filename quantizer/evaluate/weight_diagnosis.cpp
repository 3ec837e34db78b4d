#include "quantizer/evaluate/weight_diagnosis.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer {

namespace {

constexpr double kSquares = 2;  // the norm of all noise here, as SQNR counts it

/// The least noise of any quantizer with these bits: the better of this quantizer with another step and of a search of
/// its own.
double best_free_noise(std::span<const float> weights, const WeightQuantizer& quantizer) {
  const double step = best_free_step(weights, quantizer, kSquares);
  double best = quantization_error(weights, quantizer, kSquares);
  for (const WeightQuantizer& free : {WeightQuantizer::free(quantizer.bits, step, quantizer.offset),
                                      search_free_quantizer(weights, quantizer.bits, kSquares)})
    best = std::min(best, quantization_error(weights, free, kSquares));
  return best;
}

void add_channel(WeightDiagnosis& result, std::span<const float> weights, std::span<const std::int8_t> integer_weights,
                 const WeightQuantizer& quantizer) {
  std::set<int> used;
  bool zero = true;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i], error = weight - quantizer.value(integer_weights[i]);
    const double place = weight / quantizer.step() - quantizer.offset * 0.5 + 0.5, integer = std::floor(place);
    const bool clipped = integer < quantizer.low() || integer > quantizer.high();
    result.noise.signal += weight * weight;
    (clipped ? result.noise.clipping : result.noise.rounding) += error * error;
    if (clipped) ++result.clipped;
    if (place == integer && integer > quantizer.low() && integer <= quantizer.high()) ++result.ties;
    if (integer_weights[i] == quantizer.low() || integer_weights[i] == quantizer.high()) ++result.saturated;
    if (integer_weights[i] != quantizer.quantize(weight)) ++result.moved;
    if (quantizer.value(integer_weights[i]) != 0) zero = false;
    used.insert(integer_weights[i]);
  }
  const std::size_t usable = std::min(std::size_t{1} << quantizer.bits, weights.size());
  result.codes += usable;
  result.dead_codes += usable - used.size();
  if (zero) ++result.zero_channels;
}

}  // namespace

WeightDiagnosis diagnose_weights(std::span<const float> weights, const QuantizedLayer& layer) {
  WeightDiagnosis result;
  result.weights = weights.size();
  result.channels = layer.quantizers.size();
  result.exponents_searched = layer.searched_exponents;
  if (layer.quantizers.empty()) return result;
  result.bits = layer.quantizers.front().bits;
  const std::size_t fan = weights.size() / layer.quantizers.size();
  double bound = 0, free = 0;
  for (std::size_t k = 0; k < layer.quantizers.size(); ++k) {
    const WeightQuantizer& quantizer = layer.quantizers[k];
    const auto channel = weights.subspan(k * fan, fan);
    add_channel(result, channel, std::span(layer.integer_weights).subspan(k * fan, fan), quantizer);
    result.exponents.push_back(quantizer.exponent);
    const double noise = quantization_error(channel, quantizer, kSquares), best = best_free_noise(channel, quantizer);
    bound += noise;
    free += best;
    result.worst_power_of_two_loss_db = std::max(result.worst_power_of_two_loss_db, decibels(noise, best));
  }
  result.power_of_two_loss_db = decibels(bound, free);
  return result;
}

}  // namespace shiftsim::quantizer
