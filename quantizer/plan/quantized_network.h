// What quantization decides about a plan: the values that, with the plan, make the integer network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "quantizer/plan/plan.h"
#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer {

/// Empty vectors for layers that are no convolution.
struct QuantizedLayer {
  std::vector<WeightQuantizer> quantizers;   ///< per output channel
  std::vector<std::int8_t> integer_weights;  ///< in the order of PlannedLayer::weight
  std::vector<double> bias;                  ///< real value, in the place of PlannedLayer::bias
  std::vector<float> learned_bias;      ///< the bias before bias correction: PlannedLayer::bias, or what was learned
  std::vector<int> searched_exponents;  ///< of the quantizers as the search chose them, before anything was learned

  /// The real values of the integer weights, in their order.
  std::vector<float> weights() const;
};

/// How well a layer is represented, on the calibration images.
struct LayerStatistics {
  double weight_sqnr = 0;  ///< dB: weights against the float ones (BatchNorm folded); infinite where exact
  double output_sqnr = 0;  ///< dB: output tensor of the quantized network against the float network's
};

/// Copies share the plan, and nothing changes it any more: whoever has a network has the one plan that its values
/// belong to.
struct QuantizedNetwork {
  std::shared_ptr<const Plan> plan;
  std::vector<QuantizedLayer> layers;       ///< as plan->layers
  std::vector<std::vector<int>> exponents;  ///< of each tensor: one, or one per channel; the logits' is set at export
  /// Where scales are free, step = mantissa * 2^exponent, in the form of 'exponents'. Empty: 1, as at export
  /// everywhere.
  std::vector<std::vector<double>> mantissas;
  /// 'exponents' as the search chose them, before anything was learned; empty where there was none.
  std::vector<std::vector<int>> searched_exponents;
  std::vector<LayerStatistics> statistics;  ///< as plan->layers

  /// A tensor's steps: one, or one per channel.
  std::vector<double> steps(int tensor) const;
  /// Sets them, and those of the max pools behind it.
  void set_steps(int tensor, const std::vector<double>& steps);
};

/// A network of this plan, nothing decided.
QuantizedNetwork undecided(Plan plan);

}  // namespace shiftsim::quantizer
