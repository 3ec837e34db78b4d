// What a layer computes before it rounds: its accumulators, and what enters the requantization.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "qnet/bounds.h"
#include "qnet/network.h"

namespace shiftsim::qnet {

/// One layer (conv or sum_pool) on given codes, by the golden kernels. Safe to call from several threads at a time.
class LayerProbe {
public:
  LayerProbe(const Network& network, std::size_t layer);
  ~LayerProbe();

  struct Result {
    /// [height][width][channels] at ea[k]: sum, offset, bias and residual together, before the shift n[k].
    std::vector<std::int32_t> sums;
    /// Least and largest value an accumulator of the array ended at: of A[k] and, where there are offsets, S; depthwise
    /// with offsets: of the widened sum. As LayerBounds bounds them.
    Interval accumulator;
  };

  /// Input and residual codes of one image; no residual: empty.
  Result run(std::span<const std::int32_t> input, std::span<const std::int32_t> residual) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shiftsim::qnet
