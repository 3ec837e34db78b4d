// The float operations beside convolution, over one chunk of images. Activations are NHWC float32, contiguous.
#pragma once

#include <cstddef>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// values[i] = clamped, in place.
void clamp_in_place(const Clamp& clamp, float* values, std::size_t count);

/// The largest value of each window; padding never wins.
void max_pool(const Window& window, const Shape& in, const Shape& out, const float* src, float* dst,
              std::size_t images);

/// The sum over the whole map times 'factor', per channel, accumulated in double.
void global_pool(const Shape& in, double factor, const float* src, float* dst, std::size_t images);

/// diff_src += what reaches each value: all of a window's gradient goes to its largest value, the first of equals.
void max_pool_backward(const Window& window, const Shape& in, const Shape& out, const float* src, const float* diff_dst,
                       float* diff_src, std::size_t images);

/// diff_src += factor * diff_dst, the same for the whole map.
void global_pool_backward(const Shape& in, double factor, const float* diff_dst, float* diff_src, std::size_t images);

}  // namespace shiftsim::quantizer
