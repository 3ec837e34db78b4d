// The events that depend on values: how often a digit and an activation that are both not 0 meet. They are counted from
// the golden reference's tensors, and are the same on every array.
#pragma once

#include <cstdint>
#include <vector>

#include "common/images.h"
#include "qnet/golden.h"
#include "qnet/network.h"

namespace shiftsim::sim {

struct ValueCounts {
  std::int64_t digit_adds = 0;  ///< products of a nonzero radix-4 Booth digit and a nonzero activation
  /// Nonzero activations that each group's windows hold, over all output pixels; empty where the S column is not used.
  std::vector<std::int64_t> window_nonzeros;

  ValueCounts& operator+=(const ValueCounts& other);
  friend bool operator==(const ValueCounts&, const ValueCounts&) = default;
};

/// Counts of each layer on one image, given all its tensors.
std::vector<ValueCounts> count_values(const qnet::Network& network, const qnet::ImageTrace& tensors);

/// Sums over the first 'count' of 'images', on 'threads' threads (0: all processors); the same at any number.
std::vector<ValueCounts> count_values(const qnet::Network& network, const ImageSet& images, std::size_t count,
                                      int threads);

}  // namespace shiftsim::sim
