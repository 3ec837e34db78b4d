#include "quantizer/kernels/calibration_kernels.h"

#include <algorithm>
#include <cmath>

#include "common/fast_math.h"
#include "common/simd.h"

namespace shiftsim::quantizer::kernels {

namespace {

SHIFTSIM_INLINE void clamped_sums_loops(const ChannelGroup& group, const float* shift, float low, const float* high,
                                        double* sums) {
  const std::size_t count = group.count;
  const float* pixel = group.values;
  if (count < kChannelGroup) {
    std::fill_n(sums, count, 0.0);
    for (std::size_t i = 0; i < group.pixels; ++i, pixel += group.stride)
      for (std::size_t k = 0; k < count; ++k)
        sums[k] += static_cast<double>(fast::clip(pixel[k] + shift[k], low, high[k]));
    return;
  }
  // A loop of known length over copies that nothing else points to, which stay in registers.
  float by[kChannelGroup], top[kChannelGroup];
  double sum[kChannelGroup] = {};
  std::copy_n(shift, kChannelGroup, by);
  std::copy_n(high, kChannelGroup, top);
  for (std::size_t i = 0; i < group.pixels; ++i, pixel += group.stride)
    for (std::size_t k = 0; k < kChannelGroup; ++k)
      sum[k] += static_cast<double>(fast::clip(pixel[k] + by[k], low, top[k]));
  std::copy_n(sum, kChannelGroup, sums);
}

SHIFTSIM_INLINE void round_in_place_loops(float* values, std::size_t count, const float* step, const float* inverse,
                                          std::size_t period, float low, float high) {
  for (std::size_t row = 0; row < count; row += period) {
    const std::size_t end = std::min(period, count - row);
    float* const value = values + row;
    for (std::size_t c = 0; c < end; ++c)
      value[c] = fast::clip(std::floor(value[c] * inverse[c] + 0.5f), low, high) * step[c];
  }
}

SHIFTSIM_INLINE SignalAndNoise signal_and_noise_loops(const float* x, const float* y, std::size_t count) {
  constexpr std::size_t kLanes = 16;
  double signal[kLanes] = {}, noise[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::size_t k = 0; k < kLanes; ++k) {
      const double value = x[i + k], error = value - static_cast<double>(y[i + k]);
      signal[k] += value * value;
      noise[k] += error * error;
    }
  SignalAndNoise result;
  for (; i < count; ++i) {
    const double value = x[i], error = value - static_cast<double>(y[i]);
    result.signal += value * value;
    result.noise += error * error;
  }
  for (std::size_t k = 0; k < kLanes; ++k) {
    result.signal += signal[k];
    result.noise += noise[k];
  }
  return result;
}

}  // namespace

void clamped_sums(const ChannelGroup& group, const float* shift, float low, const float* high, double* sums) {
  simd<clamped_sums_loops>(group, shift, low, high, sums);
}

void round_in_place(float* values, std::size_t count, const float* step, const float* inverse, std::size_t period,
                    float low, float high) {
  simd<round_in_place_loops>(values, count, step, inverse, period, low, high);
}

SignalAndNoise signal_and_noise(const float* x, const float* y, std::size_t count) {
  return simd<signal_and_noise_loops>(x, y, count);
}

}  // namespace shiftsim::quantizer::kernels
