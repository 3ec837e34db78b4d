#include "sim/core/array_kernel.h"

#include "common/simd.h"

namespace shiftsim::sim {
namespace {

constexpr int kMaxChannels = 64;

/// 'channels' and 'lanes' are constants at the common sizes, so that the loops unroll into registers.
SHIFTSIM_INLINE void conv_rows(std::int32_t* __restrict acc, const std::int16_t* __restrict op,
                               const std::int16_t* __restrict digits, int pixels, int op_stride, int channels,
                               int lanes, std::int32_t keep, int left) {
  for (int p = 0; p < pixels; ++p, op += op_stride, acc += channels) {
    alignas(64) std::int16_t sum[kMaxChannels];
    const std::int16_t first = op[0];
    for (int n = 0; n < channels; ++n) sum[n] = static_cast<std::int16_t>(first * digits[n]);
    for (int l = 1; l < lanes; ++l) {
      const std::int16_t a = op[l];
      const std::int16_t* __restrict d = digits + l * channels;
      for (int n = 0; n < channels; ++n) sum[n] = static_cast<std::int16_t>(sum[n] + a * d[n]);
    }
    for (int n = 0; n < channels; ++n)
      acc[n] = static_cast<std::int32_t>((static_cast<std::uint32_t>(acc[n] & keep) << left) +
                                         static_cast<std::uint32_t>(sum[n]));
  }
}

SHIFTSIM_INLINE void conv_step_loops(std::int32_t* __restrict acc, const std::int16_t* __restrict op,
                                     const std::int16_t* __restrict digits, int pixels, int op_stride, int channels,
                                     int lanes, bool clear, bool shift) {
  const std::int32_t keep = clear ? 0 : -1;
  const int left = shift ? 2 : 0;
  if (lanes == 4 && channels == 8) return conv_rows(acc, op, digits, pixels, op_stride, 8, 4, keep, left);
  if (lanes == 4 && channels == 16) return conv_rows(acc, op, digits, pixels, op_stride, 16, 4, keep, left);
  if (lanes == 4 && channels == 32) return conv_rows(acc, op, digits, pixels, op_stride, 32, 4, keep, left);
  if (lanes == 4 && channels == 64) return conv_rows(acc, op, digits, pixels, op_stride, 64, 4, keep, left);
  conv_rows(acc, op, digits, pixels, op_stride, channels, lanes, keep, left);
}

SHIFTSIM_INLINE void depthwise_step_loops(std::int32_t* __restrict acc, const std::int16_t* __restrict op,
                                          const std::int16_t* __restrict digits, int pixels, int op_stride,
                                          int channels, bool clear, bool shift) {
  const std::int32_t keep = clear ? 0 : -1;
  const int left = shift ? 2 : 0;
  for (int p = 0; p < pixels; ++p, op += op_stride, acc += channels)
    for (int n = 0; n < channels; ++n)
      acc[n] = static_cast<std::int32_t>((static_cast<std::uint32_t>(acc[n] & keep) << left) +
                                         static_cast<std::uint32_t>(op[n] * digits[n]));
}

SHIFTSIM_INLINE void max_step_loops(std::int32_t* __restrict acc, const std::int16_t* __restrict op, int pixels,
                                    int op_stride, int channels, bool clear) {
  for (int p = 0; p < pixels; ++p, op += op_stride, acc += channels)
    for (int n = 0; n < channels; ++n) {
      const std::int32_t a = op[n];
      acc[n] = clear || a > acc[n] ? a : acc[n];
    }
}

SHIFTSIM_INLINE void widen_words_loops(const std::uint8_t* const* words, int pixels, int channels, bool is_signed,
                                       std::int16_t* __restrict op, int op_stride, std::uint8_t* __restrict nonzero) {
  const int extend = is_signed ? 0x80 : 0;
  for (int n = 0; n < op_stride; ++n) nonzero[n] = 0;
  for (int p = 0; p < pixels; ++p, op += op_stride) {
    const std::uint8_t* __restrict word = words[p];
    if (word == nullptr) {
      for (int n = 0; n < op_stride; ++n) op[n] = 0;
      continue;
    }
    for (int n = 0; n < channels; ++n) {
      op[n] = static_cast<std::int16_t>((word[n] ^ extend) - extend);
      nonzero[n] = static_cast<std::uint8_t>(nonzero[n] + (word[n] != 0));
    }
  }
}

}  // namespace

void conv_step(std::int32_t* acc, const std::int16_t* op, const std::int16_t* digits, int pixels, int op_stride,
               int channels, int lanes, bool clear, bool shift) {
  simd<conv_step_loops>(acc, op, digits, pixels, op_stride, channels, lanes, clear, shift);
}

void depthwise_step(std::int32_t* acc, const std::int16_t* op, const std::int16_t* digits, int pixels, int op_stride,
                    int channels, bool clear, bool shift) {
  simd<depthwise_step_loops>(acc, op, digits, pixels, op_stride, channels, clear, shift);
}

void max_step(std::int32_t* acc, const std::int16_t* op, int pixels, int op_stride, int channels, bool clear) {
  simd<max_step_loops>(acc, op, pixels, op_stride, channels, clear);
}

void widen_words(const std::uint8_t* const* words, int pixels, int channels, bool is_signed, std::int16_t* op,
                 int op_stride, std::uint8_t* nonzero) {
  simd<widen_words_loops>(words, pixels, channels, is_signed, op, op_stride, nonzero);
}

}  // namespace shiftsim::sim
