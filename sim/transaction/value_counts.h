// The events that depend on values: how often a digit and an activation that are both not 0 meet. They are counted from
// the golden reference's tensors, and are the same on every array.
#pragma once

#include <cstdint>
#include <vector>

#include "common/images.h"
#include "qnet/golden.h"
#include "qnet/network.h"
#include "sim/compiler/layer_view.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

struct ValueCounts {
  std::int64_t digit_adds = 0;  ///< products of a nonzero radix-4 Booth digit and a nonzero activation
  /// Nonzero activations in the windows of all output pixels and groups; 0 where the S column is not used.
  std::int64_t window_nonzeros = 0;

  ValueCounts& operator+=(const ValueCounts& other);
  friend bool operator==(const ValueCounts&, const ValueCounts&) = default;
};

/// Counts of each layer on one image, given all its tensors.
std::vector<ValueCounts> count_values(const qnet::Network& network, const qnet::ImageTrace& tensors);

/// Sums over the first 'count' of 'images', on 'threads' threads (0: all processors); the same at any number.
std::vector<ValueCounts> count_values(const qnet::Network& network, const ImageSet& images, std::size_t count,
                                      int threads);

/// Puts a layer's counts into its events, of which all others are there: command_events() counts every place where a
/// digit could be added. 'groups': of the convolution.
void add_values(const LayerView& view, int groups, const ValueCounts& counts, Events& events);

}  // namespace shiftsim::sim
