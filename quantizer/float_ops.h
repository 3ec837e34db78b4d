// The float operations beside convolution, over one chunk of images. Activations are NHWC float32, contiguous.
#pragma once

#include <cstddef>

#include "quantizer/graph.h"

namespace shiftsim::quantizer {

/// values[i] = clamped, in place.
void clamp_in_place(const Clamp& clamp, float* values, std::size_t count);

/// target[i] += other[i].
void add_in_place(float* target, const float* other, std::size_t count);

/// The largest value of each window; padding never wins.
void max_pool(const Window& window, const Shape& in, const Shape& out, const float* src, float* dst,
              std::size_t images);

/// The sum over the whole map times 'factor', per channel, accumulated in double.
void global_pool(const Shape& in, double factor, const float* src, float* dst, std::size_t images);

}  // namespace shiftsim::quantizer
