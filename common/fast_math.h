// Functions that loops vectorize with, where the standard library's are calls.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "common/simd.h"

namespace shiftsim::fast {

SHIFTSIM_INLINE float clip(float x, float low, float high) {
  return std::min(std::max(x, low), high);
}

/// 2^x for |x| < 126, relative error below 1e-6: 2^fraction by a polynomial, the integer part put into the exponent.
SHIFTSIM_INLINE float exp2_fast(float x) {
  const float whole = std::floor(x), f = x - whole;
  const float p =
      1.0f + f * (0.69314718f +
                  f * (0.24022651f + f * (0.05550411f + f * (0.00961813f + f * (0.00133336f + f * 0.00015404f)))));
  return std::bit_cast<float>(std::bit_cast<std::int32_t>(p) + (static_cast<std::int32_t>(whole) << 23));
}

/// log2(x) for normal x > 0, absolute error below 2e-6: by the series of atanh around the mantissa's middle.
SHIFTSIM_INLINE float log2_fast(float x) {
  const std::int32_t bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // mantissa in [sqrt(1/2), sqrt(2))
  const float m = std::bit_cast<float>(bits - (exponent << 23));
  const float t = (m - 1.0f) / (m + 1.0f), t2 = t * t;
  return static_cast<float>(exponent) +
         t * (2.88539008f + t2 * (0.96179669f + t2 * (0.57707802f + t2 * (0.41219859f + t2 * 0.32059892f))));
}

SHIFTSIM_INLINE float sigmoid(float v) {
  return 1.0f / (1.0f + exp2_fast(std::min(std::max(-1.44269504f * v, -60.0f), 60.0f)));
}

}  // namespace shiftsim::fast
