// What a factor on a channel does to the rounding of weights and values.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer::alignment {

/// Factors that are tried: 2^(j/8 - 1/2), by phase j. kMiddle is the factor 1.
inline constexpr int kPhases = 8, kMiddle = kPhases / 2;
using Noises = std::array<double, kPhases>;  ///< relative to the signal, by phase

double factor_of(int phase);
/// The phase with the least noise; of equals no factor at all.
int least(const Noises& noises);

/// Sum of squares of x[i] - Q(x[i]) in units of the step, codes from low to high, 'offset' in steps.
double noise_in_steps(const float* x, std::size_t count, float inverse, float offset, float low, float high);

double power(std::span<const float> values);    ///< the sum of squares
double largest(std::span<const float> values);  ///< by magnitude

/// At most about 'limit' values, evenly spread over all places of rows that are 'period' long.
std::vector<float> thinned(std::span<const float> values, std::size_t period, std::size_t limit);
/// The values of one channel out of [pixels][channels].
std::vector<float> channel_of(std::span<const float> sample, std::size_t channel, std::size_t channels);

/// The quantizer of a row of weights: step, offset in steps, least and largest integer.
struct RowQuantizer {
  double step = 1, offset = 0, low = 0, high = 0;
};

/// The best quantizer for weights that had been multiplied by 'factor', in units of these; 'noise' gets its squared
/// error.
RowQuantizer best_quantizer(std::span<const float> weights, int bits, bool offsets, double factor, double& noise);

/// Of a channel's weights at their best exponent and offset, had they been multiplied by each factor. Weights of 8 bits
/// have none to speak of.
Noises weight_noise(std::span<const float> weights, int bits, bool offsets);

/// Of values at this step, had they been multiplied by 'factor'.
double value_noise(std::span<const float> values, const ActivationRange& range, double factor, int exponent);

struct BestExponent {
  double noise = std::numeric_limits<double>::infinity();
  int exponent = 0;
};

/// The exponent with the least noise for values that had been multiplied by 'factor'.
BestExponent best_value_noise(std::span<const float> values, const ActivationRange& range, double factor);

}  // namespace shiftsim::quantizer::alignment
