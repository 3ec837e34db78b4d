#include "quantizer/learn/latent_weights.h"

#include <algorithm>
#include <cmath>

#include "common/fast_math.h"
#include "common/simd.h"

namespace shiftsim::quantizer {

namespace {

/// How far out of its integer's cell a latent weight may drift.
constexpr float kMargin = 0.49f;
/// How far from the middle of it a latent weight starts: nearer to the edge, where rounding that was learned leaves a
/// third of the weights, the first few steps would undo it (MobileNetV2, W4A4: divergence from 0.26 to above 1 in 15
/// steps).
constexpr float kStartMargin = 0.25f;
/// The part of the iterations in which soft rounding becomes steeper.
constexpr double kSteepenedFor = 0.87;

SHIFTSIM_INLINE float rounded(float latent, float low, float high) {
  return std::min(std::max(std::floor(latent + 0.5f), low), high);
}

SHIFTSIM_INLINE void latent_values_loops(const LatentChannel& channel, const float* latent, float* value) {
  const float step = channel.step, offset = channel.offset, low = channel.low, high = channel.high;
  for (std::size_t i = 0; i < channel.count; ++i) value[i] = (rounded(latent[i], low, high) + offset) * step;
}

/// What a soft rounding shares for all its weights: the curve is cut at both ends, so that integer weights are met.
struct Curve {
  float slope, edge, inverse_span;

  SHIFTSIM_INLINE explicit Curve(float s)
      : slope(s), edge(fast::sigmoid(-0.5f * s)), inverse_span(1 / (1 - 2 * edge)) {}
};

SHIFTSIM_INLINE void soft_values_loops(float slope, const LatentChannel& channel, const float* latent, float* value) {
  const Curve curve(slope);
  const float low = channel.low, high = channel.high, offset = channel.offset, step = channel.step;
  for (std::size_t i = 0; i < channel.count; ++i) {
    const float inside = std::min(std::max(latent[i], low), high), below = std::floor(inside);
    const float up = fast::sigmoid(curve.slope * (inside - below - 0.5f));
    value[i] = (below + (up - curve.edge) * curve.inverse_span + offset) * step;
  }
}

SHIFTSIM_INLINE void soft_backward_loops(float slope, const LatentChannel& channel, const float* latent,
                                         float* gradient) {
  const Curve curve(slope);
  const float low = channel.low, high = channel.high;
  for (std::size_t i = 0; i < channel.count; ++i) {
    const float inside = std::min(std::max(latent[i], low), high), below = std::floor(inside);
    const float up = fast::sigmoid(curve.slope * (inside - below - 0.5f));
    gradient[i] *= curve.slope * up * (1 - up) * curve.inverse_span;
  }
}

SHIFTSIM_INLINE void keep_in_range_loops(const LatentChannel& channel, float* latent) {
  const float low = channel.low - kMargin, high = channel.high + kMargin;
  for (std::size_t i = 0; i < channel.count; ++i) latent[i] = std::min(std::max(latent[i], low), high);
}

SHIFTSIM_INLINE void average_loops(float* average, const float* value, std::size_t count, float kept) {
  for (std::size_t i = 0; i < count; ++i) average[i] = kept * average[i] + (1 - kept) * value[i];
}

SHIFTSIM_INLINE void scale_loops(float* values, std::size_t count, float factor) {
  for (std::size_t i = 0; i < count; ++i) values[i] *= factor;
}

}  // namespace

LatentChannel LatentChannel::of(const WeightQuantizer& quantizer, std::size_t count) {
  return {count, static_cast<float>(quantizer.step()), static_cast<float>(quantizer.offset) * 0.5f,
          static_cast<float>(quantizer.low()), static_cast<float>(quantizer.high())};
}

float start_latent(float weight, const WeightQuantizer& quantizer, int integer) {
  const auto latent = static_cast<float>(static_cast<double>(weight) / quantizer.step() - quantizer.offset * 0.5);
  return std::clamp(latent, static_cast<float>(integer) - kStartMargin, static_cast<float>(integer) + kStartMargin);
}

void latent_values(const LatentChannel& channel, const float* latent, float* value) {
  simd<latent_values_loops>(channel, latent, value);
}

SoftRounding SoftRounding::at(double done, double first_slope) {
  return {static_cast<float>(first_slope * std::pow(kLastSlope / first_slope, std::min(1.0, done / kSteepenedFor)))};
}

void SoftRounding::values(const LatentChannel& channel, const float* latent, float* value) const {
  simd<soft_values_loops>(slope, channel, latent, value);
}

void SoftRounding::backward(const LatentChannel& channel, const float* latent, float* gradient) const {
  simd<soft_backward_loops>(slope, channel, latent, gradient);
}

void round_latent(const LatentChannel& channel, const float* latent, std::int8_t* integer) {
  for (std::size_t i = 0; i < channel.count; ++i)
    integer[i] = static_cast<std::int8_t>(rounded(latent[i], channel.low, channel.high));
}

void keep_in_range(const LatentChannel& channel, float* latent) {
  simd<keep_in_range_loops>(channel, latent);
}

void average(float* average, const float* value, std::size_t count, float kept) {
  simd<average_loops>(average, value, count, kept);
}

void scale(float* values, std::size_t count, float factor) {
  simd<scale_loops>(values, count, factor);
}

}  // namespace shiftsim::quantizer
