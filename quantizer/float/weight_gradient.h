// The weights' gradient of 3x3 convolutions, where that is faster than oneDNN.
#pragma once

#include <cstddef>

#include "quantizer/float/conv_op.h"

namespace shiftsim::quantizer {

/// With AVX2 oneDNN computes this gradient at half the speed of the other two passes, and it is the largest part of
/// reconstruction's time. Here the three taps of a kernel's row make one matrix product: in NHWC they are neighbours in
/// memory.
class WeightGradient {
public:
  /// Whether this machine and this layer are what it is for: AVX2 but not AVX-512; 3x3, stride and dilation 1, one
  /// group, channels in eights in and fours out, maps that are not too small.
  static bool suits(const ConvGeometry& geometry);

  /// Floats of working memory.
  static std::size_t padded_size(const ConvGeometry& geometry);
  static std::size_t sum_size(const ConvGeometry& geometry);

  /// As ConvOp::backward_weights(). 'padded' and 'sum': working memory.
  static void run(const ConvGeometry& geometry, const float* src, const float* diff_dst, float* diff_weight,
                  float* diff_bias, std::size_t images, float* padded, float* sum);
};

}  // namespace shiftsim::quantizer
