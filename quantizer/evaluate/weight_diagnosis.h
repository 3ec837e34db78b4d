// How well a layer's integer weights represent its float weights, and what keeps them from doing better.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "quantizer/plan/quantized_network.h"
#include "quantizer/search/noise.h"

namespace shiftsim::quantizer {

/// Counts are over all weights of the layer. docs/diagnosis.md explains every figure.
struct WeightDiagnosis {
  int bits = 8;
  std::size_t weights = 0, channels = 0;
  Noise noise;                                     ///< of the actual integer weights, learned or nearest
  double power_of_two_loss_db = 0;                 ///< rounded to nearest: noise over that of the best free steps, >= 0
  double worst_power_of_two_loss_db = 0;           ///< of the channel that loses most
  std::size_t clipped = 0;                         ///< weights that round to an integer beyond the quantizer's ends
  std::size_t saturated = 0;                       ///< integer weights at the lowest or highest
  std::size_t ties = 0;                            ///< weights half way between two integers of the quantizer, exactly
  std::size_t moved = 0;                           ///< integer weights other than the nearest
  std::size_t dead_codes = 0, codes = 0;           ///< never used in a channel, of those its weights could use
  std::size_t zero_channels = 0;                   ///< every weight became 0
  std::vector<int> exponents_searched, exponents;  ///< per channel, before and after learning: floor(log2(step))
};

/// 'weights': PlannedLayer::weight, [channels][fan].
WeightDiagnosis diagnose_weights(std::span<const float> weights, const QuantizedLayer& layer);

}  // namespace shiftsim::quantizer
