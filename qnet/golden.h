// The golden integer reference: the contract executed directly, batched, vectorized and on several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/simd.h"
#include "qnet/network.h"

namespace shiftsim::qnet {

/// All tensors of one image, indexed as Network::tensors. Activations are in 'codes' (NHWC), sign-extended; logits are
/// 32 bits wide.
using ImageTrace = std::vector<std::vector<std::int32_t>>;

class Golden {
public:
  /// Prepares packed weights, for kernels of an instruction set that this processor has. 'network' must outlive this
  /// object.
  explicit Golden(const Network& network, SimdTarget target = simd_target());
  ~Golden();

  /// Logits [count][classes] of 'count' images (uint8 NHWC, contiguous). The same bits at any number of threads.
  /// 'progress' (may be empty) is called with the number of images done, from one thread at a time.
  std::vector<std::int32_t> run(const std::uint8_t* images, std::size_t count, int threads,
                                const std::function<void(std::size_t)>& progress = {}) const;

  /// Every tensor of one image, for the comparison with other engines.
  ImageTrace trace(const std::uint8_t* image) const;

  /// One layer on given input codes (and residual codes): what the property tests compare with.
  std::vector<std::int32_t> run_layer(std::size_t layer, std::span<const std::int32_t> input,
                                      std::span<const std::int32_t> residual) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Index of the largest logit of each image; ties go to the lowest index.
std::vector<int> argmax(std::span<const std::int32_t> logits, std::size_t classes);

}  // namespace shiftsim::qnet
