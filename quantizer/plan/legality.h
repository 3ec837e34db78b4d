// Whether the integers that a weight quantizer leads to keep within the contract's widths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// Everything around one output channel of a convolution. The bounds are those of qnet/bounds, or slightly wider
/// (padding is taken for any input).
struct ChannelLimits {
  int acc_bits = 24;
  int input_low = 0, input_high = 255, input_exponent = 0;
  bool offsets = false;    ///< some channel of the layer may have an offset, so that accumulators count half steps
  bool depthwise = false;  ///< offsets may be widened into the weights
  double bias = 0;         ///< real value
  std::span<const int> pad_values;  ///< pixels that stand for 0, per input channel of this channel's group; empty: none
  std::size_t window = 1;           ///< kernel_h * kernel_w: weights of one input channel
  /// Known once the output has an exponent. The logits' is the least accumulator exponent of the layer.
  std::optional<int> output_exponent;
  std::optional<int> residual_exponent;
  int residual_low = 0, residual_high = 0;

  int accumulator_exponent(const WeightQuantizer& quantizer) const {
    return input_exponent + quantizer.exponent - (offsets ? 1 : 0);
  }
  /// The integer bias at the accumulator's exponent, of integer weights in the order of the weights.
  double integer_bias(const WeightQuantizer& quantizer, std::span<const std::int8_t> integer_weights) const;
  /// Whether accumulator and, where the output's exponent is known, shifts and PPU are within the contract.
  bool allow(const WeightQuantizer& quantizer, std::span<const std::int8_t> integer_weights) const;
};

/// The limits of channel k. 'exponents': of the tensors known so far (empty vectors: not yet). 'offsets': see
/// ChannelLimits. 'logits_exponent': for the last layer.
ChannelLimits channel_limits(const Plan& plan, const PlannedLayer& layer,
                             const std::vector<std::vector<int>>& exponents, std::size_t k, double bias, bool offsets,
                             int acc_bits, std::optional<int> logits_exponent = {});

/// Whether every decided layer of the network keeps the contract: scales powers of two, offsets within [-8, 7], integer
/// weights within their bits, accumulators, biases and shifts within their widths.
bool is_legal(const QuantizedNetwork& network, const Recipe& recipe);
/// The first layer that does not, or null.
const PlannedLayer* first_illegal_layer(const QuantizedNetwork& network, const Recipe& recipe);

}  // namespace shiftsim::quantizer
