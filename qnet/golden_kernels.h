// The golden reference's inner loops, once per instruction set. All of them compute the same integers.
#pragma once

#include <cstdint>

#include "common/simd.h"

namespace shiftsim::qnet {

/// A stretch of the window that is contiguous in the (padded) input: 'pairs' pairs of 16-bit codes, 'offset' codes
/// after the window's first. A stretch of odd length is rounded up; the code too many meets a weight of 0.
struct Run {
  std::int32_t offset, pairs;
};

/// What follows the sum, per output channel; n and the residual shift split so that no loop needs a branch:
/// x = 2*A + c*S (A where there is no S) + bias + (((r + res_half) >> res_right) << res_left);  y = (x >> right) <<
/// left. 'bias' has the rounding half of n folded in. All additions are modulo 2^32: qnet::validate proves that the
/// final values fit.
struct ChannelTables {
  const std::int32_t *c, *bias, *right, *left, *lo, *hi, *res_half, *res_right, *res_left;
};

/// One layer's sums over a batch. Pointers are to codes widened to 16 bits, NHWC.
struct SumTask {
  const std::int16_t* input;  ///< padded; images 'image_stride' codes apart
  std::int64_t image_stride;
  const std::int32_t* pixel_offsets;  ///< [pixels] the first code of each output pixel's window within an image
  int pixels, images;                 ///< output pixels of an image; images in this batch
  int channels;                       ///< output channels, the distance from pixel to pixel in output and residual
  ChannelTables tables;
  const std::int32_t* sums;      ///< [image][pixel][group] S, or null
  const std::int16_t* residual;  ///< [image][pixel][channel], or null
  std::int16_t* output;          ///< [image][pixel][channel], or null for logits
  std::int32_t* logits;          ///< the same, 32 bits wide
  const std::int16_t* table;     ///< [256] output codes, indexed by the clamped code's low 8 bits; or null
};

/// Convolution by dot products: weights [group][block][pair][lane][2], zero beyond the group's channels.
struct ConvTask : SumTask {
  const std::int16_t* weights;
  const Run* runs;
  int run_count, pairs;  ///< pairs: of all runs together
  int groups, group_inputs, group_outputs;
  int vectors;  ///< 1 or 2 vectors of lanes in a block
};

/// Depthwise convolution and sum pooling: weights [tap][channels rounded up to lanes].
struct DepthwiseTask : SumTask {
  const std::int32_t* weights;
  const std::int32_t* tap_offsets;  ///< [taps] codes after the window's first
  int taps, weight_stride;
};

struct MaxPoolTask {
  const std::int16_t* input;
  std::int64_t image_stride;
  const std::int32_t* pixel_offsets;
  const std::int32_t* tap_offsets;
  int pixels, images, channels, taps;
  std::int16_t* output;
};

/// Kernels may read this many codes beyond the last of an input.
inline constexpr int kSlack = 64;

struct Kernels {
  int lanes;  ///< 32-bit sums in a vector
  void (*conv)(const ConvTask&);
  void (*depthwise)(const DepthwiseTask&);
  void (*max_pool)(const MaxPoolTask&);
};

/// Those of an instruction set, which this processor has to have (simd_targets()).
const Kernels& kernels_for(SimdTarget target);

}  // namespace shiftsim::qnet
