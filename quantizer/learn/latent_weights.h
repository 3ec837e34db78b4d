// Latent weights, in steps of their channel's quantizer: they learn, and the integer weights follow by rounding.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer {

/// One output channel: weight = (round(latent) + offset) * step.
struct LatentChannel {
  std::size_t count = 0;
  float step = 1, offset = 0, low = 0, high = 0;

  static LatentChannel of(const WeightQuantizer& quantizer, std::size_t count);
};

/// The latent weight of a float weight, moved as little as brings it within a quarter step of the integer weight at
/// hand.
float start_latent(float weight, const WeightQuantizer& quantizer, int integer);

/// value[i] = the weight that latent[i] rounds to.
void latent_values(const LatentChannel& channel, const float* latent, float* value);
void round_latent(const LatentChannel& channel, const float* latent, std::int8_t* integer);

/// Between two integers a logistic curve, at each of them exact: the steeper the slope, the nearer to a step
/// (differentiable soft quantization, Gong et al., ICCV 2019).
struct SoftRounding {
  float slope;  ///< k of the logistic curve 1 / (1 + exp(-k x)), x the distance from the middle in steps

  /// As it is when this part of the iterations is done, in [0, 1]: steeper by the same factor every iteration, from
  /// first_slope on, until it is as steep as it gets, for the last of them.
  static SoftRounding at(double done, double first_slope);
  /// A weight stands still but for a tenth of a step around the middle. (With a slope of 4 one beside an integer
  /// is moved little.)
  static constexpr float kLastSlope = 60;

  /// value[i] = the weight that latent[i] stands for.
  void values(const LatentChannel& channel, const float* latent, float* value) const;
  /// gradient[i], with regard to a weight in steps, becomes that with regard to its latent weight.
  void backward(const LatentChannel& channel, const float* latent, float* gradient) const;
};

/// No latent weight may drift so far out of the range that it could not come back.
void keep_in_range(const LatentChannel& channel, float* latent);

/// average[i] = kept * average[i] + (1 - kept) * value[i]
void average(float* average, const float* value, std::size_t count, float kept);

void scale(float* values, std::size_t count, float factor);

}  // namespace shiftsim::quantizer
