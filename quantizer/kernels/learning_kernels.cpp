#include "quantizer/kernels/learning_kernels.h"

#include <algorithm>
#include <cmath>

#include "common/fast_math.h"
#include "common/simd.h"

namespace shiftsim::quantizer::kernels {

namespace {

constexpr float kStretch = 1.2f, kShift = 0.1f;  // AdaRound's zeta - gamma and -gamma

/// 32 random bits for an element (the finalizer of MurmurHash3).
SHIFTSIM_INLINE std::uint32_t random_bits(std::uint32_t seed, std::uint32_t index) {
  std::uint32_t x = index * 0x9e3779b9u + seed;
  x = (x ^ (x >> 16)) * 0x85ebca6bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}

SHIFTSIM_INLINE void quantize_loops(const Quantization& q, const float* z, float* out, std::size_t count) {
  const float clamp_low = q.clamp_low, low = q.low;
  const float* __restrict const ceiling = q.clamp_high;
  if (!q.enabled) {
    for (std::size_t row = 0; row < count; row += q.period) {
      const std::size_t end = std::min(q.period, count - row);
      for (std::size_t c = 0; c < end; ++c) out[row + c] = fast::clip(z[row + c], clamp_low, ceiling[c]);
    }
    return;
  }
  const float* __restrict const inverse = q.inverse;
  const float* __restrict const step = q.step;
  const float* __restrict const high = q.high;
  const std::uint32_t seed = q.seed, keep = q.keep;
  for (std::size_t row = 0; row < count; row += q.period) {
    const std::size_t end = std::min(q.period, count - row);
    const float* __restrict const from = z + row;
    float* __restrict const to = out + row;
    if (keep == ~0u) {
      for (std::size_t c = 0; c < end; ++c) {
        const float x = fast::clip(from[c], clamp_low, ceiling[c]);
        to[c] = fast::clip(std::floor(x * inverse[c] + 0.5f), low, high[c]) * step[c];
      }
      continue;
    }
    const auto base = static_cast<std::uint32_t>(row);
    for (std::size_t c = 0; c < end; ++c) {
      const float x = fast::clip(from[c], clamp_low, ceiling[c]);
      const float rounded = fast::clip(std::floor(x * inverse[c] + 0.5f), low, high[c]) * step[c];
      to[c] = random_bits(seed, base + static_cast<std::uint32_t>(c)) <= keep ? rounded : x;
    }
  }
}

SHIFTSIM_INLINE void quantize_backward_loops(const Quantization& q, const float* z, float* gradient,
                                             float* step_gradient, std::size_t count) {
  const float clamp_low = q.clamp_low, low = q.low;
  const float* __restrict const ceiling = q.clamp_high;
  if (!q.enabled) {
    for (std::size_t row = 0; row < count; row += q.period) {
      const std::size_t end = std::min(q.period, count - row);
      const float* __restrict const from = z + row;
      float* __restrict const g = gradient + row;
      for (std::size_t c = 0; c < end; ++c) g[c] = (from[c] > clamp_low) & (from[c] < ceiling[c]) ? g[c] : 0.0f;
    }
    return;
  }
  const float* __restrict const inverse = q.inverse;
  const float* __restrict const high = q.high;
  float* __restrict const sums = step_gradient;
  const std::uint32_t seed = q.seed, keep = q.keep;
  const auto one = [=](float x, float& g, float& sum, float scale, float top, float clamp_high, bool quantized)
      __attribute__((always_inline)) {
    const bool in_clamp = (x > clamp_low) & (x < clamp_high);
    const float v = fast::clip(x, clamp_low, clamp_high) * scale;
    const float unclipped = std::floor(v + 0.5f), code = fast::clip(unclipped, low, top);
    const bool inside = unclipped == code;
    sum += quantized ? g * (inside ? code - v : code) : 0.0f;
    g = in_clamp & (inside | !quantized) ? g : 0.0f;
  };
  for (std::size_t row = 0; row < count; row += q.period) {
    const std::size_t end = std::min(q.period, count - row);
    const float* __restrict const from = z + row;
    float* __restrict const g = gradient + row;
    if (keep == ~0u) {
      for (std::size_t c = 0; c < end; ++c) one(from[c], g[c], sums[c], inverse[c], high[c], ceiling[c], true);
      continue;
    }
    const auto base = static_cast<std::uint32_t>(row);
    for (std::size_t c = 0; c < end; ++c)
      one(from[c], g[c], sums[c], inverse[c], high[c], ceiling[c],
          random_bits(seed, base + static_cast<std::uint32_t>(c)) <= keep);
  }
}

SHIFTSIM_INLINE void mix_loops(const float* quantized, const float* exact, float* target, std::size_t count,
                               std::uint32_t keep, std::uint32_t seed) {
  for (std::size_t i = 0; i < count; ++i)
    target[i] = random_bits(seed, static_cast<std::uint32_t>(i)) <= keep ? quantized[i] : exact[i];
}

SHIFTSIM_INLINE double norm_loss_loops(const float* y, const float* target, float* gradient, std::size_t count,
                                       float norm, float factor) {
  constexpr std::size_t kBlock = 4096;  // summed in float, the blocks' sums in double
  double total = 0;
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = std::min(count, begin + kBlock);
    float lanes[16] = {};
    if (norm == 2.0f) {
      for (std::size_t i = begin; i < end; ++i) {
        const float d = y[i] - target[i];
        gradient[i] = 2.0f * factor * d;
      }
    } else {
      for (std::size_t i = begin; i < end; ++i) {
        const float d = y[i] - target[i], magnitude = std::abs(d);
        const float slope =
            norm * fast::exp2_fast(std::max((norm - 1.0f) * fast::log2_fast(std::max(magnitude, 1e-30f)), -100.0f));
        gradient[i] = magnitude > 1e-30f ? std::copysign(factor * slope, d) : 0.0f;
      }
    }
    // |d|^p = |d| * slope / p
    std::size_t i = begin;
    for (; i + 16 <= end; i += 16)
      for (std::size_t l = 0; l < 16; ++l) lanes[l] += (y[i + l] - target[i + l]) * gradient[i + l];
    for (; i < end; ++i) lanes[0] += (y[i] - target[i]) * gradient[i];
    for (const float lane : lanes) total += static_cast<double>(lane);
  }
  return total / static_cast<double>(norm * factor);
}

SHIFTSIM_INLINE void soft_weights_loops(const SoftChannel& channel, float* value) {
  const float inverse = 1.0f / channel.step, step = channel.step, offset = channel.offset;
  const float low = channel.low, high = channel.high;
  const float* const w = channel.weight;
  const float* const v = channel.rounding;
  for (std::size_t i = 0; i < channel.count; ++i) {
    const float h = fast::clip(kStretch * fast::sigmoid(v[i]) - kShift, 0.0f, 1.0f);
    value[i] = (fast::clip(std::floor(w[i] * inverse - offset) + h, low, high) + offset) * step;
  }
}

SHIFTSIM_INLINE float soft_weights_backward_loops(const SoftChannel& channel, const float* value_gradient,
                                                  const RoundingRegularizer& regularizer, float* rounding_gradient) {
  const float inverse = 1.0f / channel.step, step = channel.step, offset = channel.offset;
  const float low = channel.low, high = channel.high;
  const float* __restrict const w = channel.weight;
  const float* __restrict const v = channel.rounding;
  const float scale = regularizer.weight * regularizer.power * 2.0f, power = regularizer.power - 1.0f;
  // In blocks, so that the summands fit beside and both loops become vectors; those need arrays that do not overlap.
  const float* __restrict const given = value_gradient;
  float* __restrict const result = rounding_gradient;
  constexpr std::size_t kBlock = 256, kLanes = 16;
  float along[kBlock], lanes[kLanes] = {};
  for (std::size_t begin = 0; begin < channel.count; begin += kBlock) {
    const std::size_t count = std::min(kBlock, channel.count - begin);
    for (std::size_t j = 0; j < count; ++j) {
      const std::size_t i = begin + j;
      const float s = fast::sigmoid(v[i]), stretched = kStretch * s - kShift, h = fast::clip(stretched, 0.0f, 1.0f);
      const float slope = (stretched > 0.0f) & (stretched < 1.0f) ? kStretch * s * (1.0f - s) : 0.0f;
      const float place = w[i] * inverse - offset;
      const float code = std::floor(place) + h, clipped = fast::clip(code, low, high);
      const bool inside = (code >= low) & (code <= high);
      const float distance = 2.0f * h - 1.0f, magnitude = std::max(std::abs(distance), 1e-12f);
      const float pull = scale * fast::exp2_fast(std::max(power * fast::log2_fast(magnitude), -100.0f));
      result[i] = slope * ((inside ? given[i] * step : 0.0f) - std::copysign(pull, distance));
      // Inside, the weight stays where it is while the step changes (LSQ); outside, the clipped code times the step.
      along[j] = given[i] * (clipped + offset - (inside ? place + offset : 0.0f));
    }
    std::size_t j = 0;
    for (; j + kLanes <= count; j += kLanes)
      for (std::size_t l = 0; l < kLanes; ++l) lanes[l] += along[j + l];
    for (; j < count; ++j) lanes[j % kLanes] += along[j];
  }
  float step_gradient = 0;
  for (const float lane : lanes) step_gradient += lane;
  return step_gradient;
}

SHIFTSIM_INLINE void adam_loops(float* value, const float* gradient, float* first, float* second, std::size_t count,
                                float rate, int step) {
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  const float correction1 = 1.0f - std::pow(kBeta1, static_cast<float>(step));
  const float correction2 = std::sqrt(1.0f - std::pow(kBeta2, static_cast<float>(step)));
  const float scaled = rate * correction2 / correction1, epsilon = kEpsilon * correction2;
  for (std::size_t i = 0; i < count; ++i) {
    first[i] = kBeta1 * first[i] + (1.0f - kBeta1) * gradient[i];
    second[i] = kBeta2 * second[i] + (1.0f - kBeta2) * gradient[i] * gradient[i];
    value[i] -= scaled * first[i] / (std::sqrt(second[i]) + epsilon);
  }
}

SHIFTSIM_INLINE void add_loops(float* target, const float* other, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) target[i] += other[i];
}

SHIFTSIM_INLINE void add_rounded_loops(float* target, const float* other, const float* step, const float* inverse,
                                       std::size_t period, std::size_t count) {
  const float* __restrict const steps = step;
  const float* __restrict const inverses = inverse;
  for (std::size_t row = 0; row < count; row += period) {
    const std::size_t end = std::min(period, count - row);
    const float* __restrict const from = other + row;
    float* __restrict const to = target + row;
    for (std::size_t c = 0; c < end; ++c) to[c] += std::floor(from[c] * inverses[c] + 0.5f) * steps[c];
  }
}

}  // namespace

float rectified_sigmoid(float v) {
  return fast::clip(kStretch * fast::sigmoid(v) - kShift, 0.0f, 1.0f);
}

float inverse_rectified_sigmoid(float h) {
  const float s = (fast::clip(h, 0.0f, 1.0f) + kShift) / kStretch;
  return std::log(s / (1.0f - s));
}

void quantize(const Quantization& q, const float* z, float* out, std::size_t count) {
  simd<quantize_loops>(q, z, out, count);
}

void quantize_backward(const Quantization& q, const float* z, float* gradient, float* step_gradient,
                       std::size_t count) {
  simd<quantize_backward_loops>(q, z, gradient, step_gradient, count);
}

void mix(const float* quantized, const float* exact, float* target, std::size_t count, std::uint32_t keep,
         std::uint32_t seed) {
  simd<mix_loops>(quantized, exact, target, count, keep, seed);
}

double norm_loss(const float* y, const float* target, float* gradient, std::size_t count, float norm, float factor) {
  return simd<norm_loss_loops>(y, target, gradient, count, norm, factor);
}

void soft_weights(const SoftChannel& channel, float* value) {
  simd<soft_weights_loops>(channel, value);
}

float soft_weights_backward(const SoftChannel& channel, const float* value_gradient,
                            const RoundingRegularizer& regularizer, float* rounding_gradient) {
  return simd<soft_weights_backward_loops>(channel, value_gradient, regularizer, rounding_gradient);
}

void adam(float* value, const float* gradient, float* first, float* second, std::size_t count, float rate, int step) {
  simd<adam_loops>(value, gradient, first, second, count, rate, step);
}

void add(float* target, const float* other, std::size_t count) {
  simd<add_loops>(target, other, count);
}

void add_rounded(float* target, const float* other, const float* step, const float* inverse, std::size_t period,
                 std::size_t count) {
  simd<add_rounded_loops>(target, other, step, inverse, period, count);
}

}  // namespace shiftsim::quantizer::kernels
