// One convolution's weights while their rounding is learned (AdaRound), with relaxed exponents (RAPQ) and biases.
#pragma once

#include <cstdint>
#include <vector>

#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/learned.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

struct SoftLayer {
  int index = 0;  ///< in the plan
  const PlannedLayer* layer = nullptr;
  std::size_t fan = 0;
  /// Rounded up or down from here: the float weight, or beside it where the search left that.
  std::vector<float> weight;
  Learned rounding;
  Learned exponent;  ///< relaxed: step = 2^(base_exponent + h(value))
  std::vector<int> base_exponent;
  std::vector<WeightQuantizer> quantizers;  ///< as of now; with relaxed exponents the last hard ones
  Learned bias;                             ///< in units of bias_unit
  float bias_unit = 1;
  std::vector<float> start_bias;
  std::vector<float> weights, bias_now, weight_gradient, bias_gradient;

  /// Layer 'index' of the plan, starting where the network is.
  SoftLayer(const QuantizedNetwork& network, int index, const Recipe& recipe);

  std::size_t channels() const { return quantizers.size(); }

  /// Output channel k, as the kernels take it.
  kernels::SoftChannel channel(std::size_t k, bool relaxed) const;
  /// Weights and biases of channel k as they are now, into 'weights' and 'bias_now'.
  void set_weights(std::size_t k, bool relaxed);

  /// Relaxes the exponent of channel k: it starts at the step that suits the weights best.
  void relax_exponent(std::size_t k, double norm);
  /// The gradient with regard to a relaxed exponent, from that with regard to the step. The pull to 0 or 1 grows with
  /// the phase, which ends at iteration 'until'.
  void exponent_gradient(std::size_t k, float step_gradient, double rounding_weight, int iteration, int until);
  /// Rounds the exponent of channel k and searches the offset that suits it.
  void harden_exponent(std::size_t k, const Recipe& recipe);
  /// The rounding starts afresh: h(v) = the place of the weight between the two integers beside it.
  void start_rounding();

  /// Quantizer parameters and integer weights, rounded.
  void harden(QuantizedLayer& to) const;
  void harden_bias(QuantizedLayer& to) const;

private:
  /// Weights as far from the float ones as makes them round to the integer weights that the search found.
  void start_at_integer_weights(const std::vector<std::int8_t>& integer_weights);
};

}  // namespace shiftsim::quantizer
