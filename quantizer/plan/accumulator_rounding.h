// What the accumulator's step does to what is added to it.
#pragma once

#include <cstddef>
#include <vector>

#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// Bias and residual are added to the accumulator, so they become whole numbers of its steps: input step times weight
/// step, half of it where a channel of the layer has an offset (docs/integer-contract.md). With few bits that is
/// coarse; at W2A2 often coarser than the output's own step. Whatever executes, judges or learns a network has to see
/// them rounded.
class AccumulatorRounding {
public:
  /// Rounds nothing.
  AccumulatorRounding() = default;
  /// Of a convolution whose quantizers are decided. Where scales are free, or the input has no exponent yet, nothing is
  /// rounded.
  AccumulatorRounding(const QuantizedNetwork& network, std::size_t layer);

  /// The value of the integer bias.
  double bias(std::size_t channel, double value) const;
  /// Of all channels.
  template <typename T>
  std::vector<float> biases(const std::vector<T>& values) const {
    std::vector<float> result(values.size());
    for (std::size_t k = 0; k < values.size(); ++k)
      result[k] = static_cast<float>(bias(k, static_cast<double>(values[k])));
    return result;
  }
  /// By channel, the accumulator's step, to which the residual is rounded half up. Empty where that changes nothing.
  const std::vector<float>& residual_steps() const { return residual_steps_; }

private:
  std::vector<int> exponents_;  ///< of each channel's accumulator; empty: no rounding
  std::vector<float> residual_steps_;
};

}  // namespace shiftsim::quantizer
