#include "quantizer/calibrate/alignment_noise.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/simd.h"
#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer::alignment {

namespace {

constexpr int kOffset = 8;  // half steps, from -kOffset to kOffset - 1

SHIFTSIM_INLINE double noise_in_steps_loops(const float* x, std::size_t count, float inverse, float offset, float low,
                                            float high) {
  constexpr std::size_t kLanes = 16;
  float lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::size_t l = 0; l < kLanes; ++l) {
      const float place = x[i + l] * inverse - offset;
      const float error = place - std::min(std::max(std::floor(place + 0.5f), low), high);
      lanes[l] += error * error;
    }
  for (; i < count; ++i) {
    const float place = x[i] * inverse - offset;
    const float error = place - std::min(std::max(std::floor(place + 0.5f), low), high);
    lanes[0] += error * error;
  }
  double sum = 0;
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

}  // namespace

double factor_of(int phase) {
  return std::exp2(static_cast<double>(phase - kMiddle) / kPhases);
}

double noise_in_steps(const float* x, std::size_t count, float inverse, float offset, float low, float high) {
  return simd<noise_in_steps_loops>(x, count, inverse, offset, low, high);
}

double power(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

double largest(std::span<const float> values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return static_cast<double>(most);
}

std::vector<float> thinned(std::span<const float> values, std::size_t period, std::size_t limit) {
  std::size_t leap = std::max<std::size_t>(1, values.size() / limit);
  while (std::gcd(leap, period) != 1) ++leap;
  std::vector<float> result;
  for (std::size_t i = 0; i < values.size(); i += leap) result.push_back(values[i]);
  return result;
}

std::vector<float> channel_of(std::span<const float> sample, std::size_t channel, std::size_t channels) {
  std::vector<float> result;
  for (std::size_t i = channel; i < sample.size(); i += channels) result.push_back(sample[i]);
  return result;
}

RowQuantizer best_quantizer(std::span<const float> weights, int bits, bool offsets, double factor, double& noise) {
  const double half = std::exp2(bits - 1);
  RowQuantizer best{1, 0, -half, half - 1};
  noise = std::numeric_limits<double>::infinity();
  const auto [lowest, highest] = candidate_exponents(largest(weights) * factor, bits);
  for (int exponent = lowest; exponent <= highest; ++exponent) {
    const double step = std::ldexp(1 / factor, exponent);
    for (int offset = offsets && bits < 8 ? -kOffset : 0; offset <= (offsets && bits < 8 ? kOffset - 1 : 0); ++offset) {
      const double found = step * step *
                           noise_in_steps(weights.data(), weights.size(), static_cast<float>(1 / step),
                                          static_cast<float>(offset) * 0.5f, static_cast<float>(best.low),
                                          static_cast<float>(best.high));
      if (found < noise) {
        noise = found;
        best.step = step;
        best.offset = offset * 0.5;
      }
    }
  }
  return best;
}

Noises weight_noise(std::span<const float> weights, int bits, bool offsets) {
  Noises noises{};
  const double signal = power(weights);
  if (bits >= 8 || !(signal > 0)) return noises;
  for (int phase = 0; phase < kPhases; ++phase) {
    double noise = 0;
    best_quantizer(weights, bits, offsets, factor_of(phase), noise);
    noises[static_cast<std::size_t>(phase)] = noise / signal;
  }
  return noises;
}

double value_noise(std::span<const float> values, const ActivationRange& range, double factor, int exponent) {
  const double step = std::ldexp(1 / factor, exponent);
  return step * step *
         noise_in_steps(values.data(), values.size(), static_cast<float>(1 / step), 0, static_cast<float>(range.low()),
                        static_cast<float>(range.top()));
}

BestExponent best_value_noise(std::span<const float> values, const ActivationRange& range, double factor) {
  constexpr int kFiner = 4;
  const int bits = range.bits - (range.is_signed ? 1 : 0);
  const int highest = std::ilogb(largest(values) * factor) + 1 - bits + 1;
  BestExponent best;
  for (int exponent = highest; exponent >= highest - kFiner; --exponent)
    if (const double noise = value_noise(values, range, factor, exponent); noise < best.noise) best = {noise, exponent};
  return best;
}

int least(const Noises& noises) {
  int best = kMiddle;  // of equals, no factor at all
  for (int phase = 0; phase < kPhases; ++phase)
    if (noises[static_cast<std::size_t>(phase)] < noises[static_cast<std::size_t>(best)]) best = phase;
  return best;
}

}  // namespace shiftsim::quantizer::alignment
