// A layer's numbers as ONNX holds them: weights of one quantizer a channel, biases as real values.
#pragma once

#include <vector>

#include "qnet/network.h"

namespace shiftsim::quantizer {

/// Weights of value code * 2^exponent: half-step offsets are widened into the codes, as 2q + c, and the exponent is one
/// lower there.
struct WidenedWeights {
  std::vector<int> codes;      ///< [k][channel][ky][kx], as ONNX orders them
  std::vector<int> exponents;  ///< of output channel k
  int low = 0, high = 0;       ///< what the quantizers of all channels can hold
};

/// Of a layer with a weight for each tap: its own, or its kind's fixed one.
WidenedWeights widened_weights(const qnet::Network& network, const qnet::Layer& layer);

/// ea[k] of the contract.
int accumulator_exponent(const qnet::Network& network, const qnet::Layer& layer, int channel);

/// What is added to the sums of a layer whose inputs have their pad values taken away.
struct RealBias {
  std::vector<float> values;  ///< of output channel k
  int quarter_channels = 0;   ///< channels whose bias carries a quarter of an accumulator step, so that no tie is left
  /// Channels of which some input might give a sum that single precision does not hold: it may round otherwise.
  int inexact_channels = 0;
};

/// Where 'output' k is shifted right, ONNX would round ties to even and the contract rounds them up: there the bias
/// carries a quarter of the accumulator's step. Sums are multiples of the step, so nothing else changes.
RealBias real_bias(const qnet::Network& network, const qnet::Layer& layer);

}  // namespace shiftsim::quantizer
