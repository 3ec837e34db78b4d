// One convolution's latent weights and biases while the network stage learns them.
#pragma once

#include <cstddef>
#include <vector>

#include "quantizer/learn/latent_weights.h"
#include "quantizer/learn/learned.h"
#include "quantizer/plan/accumulator_rounding.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

struct LatentLayer {
  int index = 0;  ///< in the plan
  const PlannedLayer* layer = nullptr;
  std::size_t fan = 0;
  Learned latent;                                   ///< the weights, in steps of their quantizer
  Learned bias;                                     ///< in units of bias_unit
  std::vector<float> average_latent, average_bias;  ///< over the last iterations
  float bias_unit = 1;
  std::vector<float> start_bias, bias_now, weights;  ///< the two last: what the network computes with
  AccumulatorRounding rounding;                      ///< at the steps of now; gradients pass straight through

  /// Layer 'index' of the plan. It starts at the network's integer weights and corrected biases, which nothing corrects
  /// any more.
  LatentLayer(const QuantizedNetwork& network, int index);

  std::size_t channels() const { return start_bias.size(); }

  /// Sets 'weights' and 'bias_now' of channel k. 'soft': how it rounds; null: to the nearest integer weight.
  void set_weights(const LatentChannel& channel, std::size_t k, const SoftRounding* soft);
  /// Integer weights and biases, of now or with the average of the last iterations.
  void harden(bool averaged, QuantizedLayer& to) const;
};

}  // namespace shiftsim::quantizer
