#include "quantizer/plan/accumulator_rounding.h"

#include <algorithm>
#include <cmath>

#include "qnet/network.h"
#include "quantizer/plan/legality.h"

namespace shiftsim::quantizer {

AccumulatorRounding::AccumulatorRounding(const QuantizedNetwork& network, std::size_t layer) {
  const PlannedLayer& planned = network.plan->layers[layer];
  const std::vector<WeightQuantizer>& quantizers = network.layers[layer].quantizers;
  const auto input = static_cast<std::size_t>(planned.input);
  const bool free =
      !network.mantissas[input].empty() ||
      std::any_of(quantizers.begin(), quantizers.end(), [](const WeightQuantizer& g) { return !g.power_of_two(); });
  if (free || network.exponents[input].empty()) return;
  const bool offsets =
      std::any_of(quantizers.begin(), quantizers.end(), [](const WeightQuantizer& g) { return g.offset != 0; });
  bool changes_residual = false;
  for (std::size_t k = 0; k < quantizers.size(); ++k) {
    const ChannelLimits limits =
        channel_limits(*network.plan, planned, network.exponents, k, 0, offsets, qnet::kLogitsBits);
    exponents_.push_back(limits.accumulator_exponent(quantizers[k]));
    changes_residual = changes_residual || (limits.residual_exponent && *limits.residual_exponent < exponents_.back());
  }
  if (!changes_residual) return;
  for (const int exponent : exponents_) residual_steps_.push_back(std::ldexp(1.0f, exponent));
}

double AccumulatorRounding::bias(std::size_t channel, double value) const {
  if (exponents_.empty()) return value;
  return std::ldexp(std::round(std::ldexp(value, -exponents_[channel])), exponents_[channel]);
}

}  // namespace shiftsim::quantizer
