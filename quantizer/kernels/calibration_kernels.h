// The hot loops of calibration, over plain arrays. Built for several instruction sets; the machine's best is taken.
#pragma once

#include <cstddef>

namespace shiftsim::quantizer::kernels {

/// Channels that share a cache line of 64 bytes, and that one call of clamped_sums() takes.
constexpr std::size_t kChannelGroup = 16;

/// The first of kChannelGroup consecutive channels of NHWC values, or of the fewer that are left.
struct ChannelGroup {
  const float* values = nullptr;  ///< of the first pixel
  std::size_t pixels = 0;
  std::size_t stride = 0;  ///< from one pixel to the next: all channels of the tensor
  std::size_t count = 0;   ///< channels of this group, at most kChannelGroup
};

/// sums[k] = sum over the pixels of clip(x + shift[k], low, high[k]), one pixel after another in double.
void clamped_sums(const ChannelGroup& group, const float* shift, float low, const float* high, double* sums);

/// value = clip(floor(value / step + 1/2), low, high) * step. 'step' and 'inverse', 1 / step, hold a value for each
/// place in rows of 'period'.
void round_in_place(float* values, std::size_t count, const float* step, const float* inverse, std::size_t period,
                    float low, float high);

/// Of the blocks of values that sqnr() adds up.
struct SignalAndNoise {
  double signal = 0, noise = 0;  ///< sums of x^2 and (x - y)^2
};
SignalAndNoise signal_and_noise(const float* x, const float* y, std::size_t count);

}  // namespace shiftsim::quantizer::kernels
