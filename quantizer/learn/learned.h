// What all learning here shares: parameters with Adam's moments, and random numbers by counter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quantizer/kernels/learning_kernels.h"

namespace shiftsim::quantizer {

/// A batch is always cut into this many chunks, so that sums of gradients do not depend on the threads.
inline constexpr std::size_t kSlots = 4;
/// Weights that one item of parallel work takes.
inline constexpr std::size_t kWeightBlock = 1 << 14;

/// How a batch is cut.
struct BatchSplit {
  std::size_t batch;  ///< images
  std::size_t chunk;  ///< images of a slot
  std::size_t slots;
  std::size_t areas;  ///< slots that are computed at a time

  /// A batch of at most 'wanted' out of 'available' images.
  BatchSplit(int wanted, std::size_t available, int threads)
      : batch(std::min(static_cast<std::size_t>(wanted), available)),
        chunk((batch + kSlots - 1) / kSlots),
        slots((batch + chunk - 1) / chunk),
        areas(std::min(slots, static_cast<std::size_t>(threads))) {}
};

/// 64 random bits out of a seed and a counter (SplitMix64).
inline std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t counter) {
  std::uint64_t x = seed + 0x9e3779b97f4a7c15ull * (counter + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// 'count' different indices below 'available' (>= count), drawn with this seed.
std::vector<std::size_t> draw_batch(std::size_t available, std::size_t count, std::uint64_t seed);

/// From 1 to 0 along half a cosine; 'done' in [0, 1].
double cosine_decay(double done);

/// The mean of squares less the square of the mean; at least 1e-12.
double variance(std::span<const float> values);

/// A parameter array with Adam's moments.
struct Learned {
  std::vector<float> value, gradient, first, second;

  void resize(std::size_t count) {
    for (auto* array : {&value, &gradient, &first, &second}) array->assign(count, 0.0f);
  }
  void forget() {
    std::fill(first.begin(), first.end(), 0.0f);
    std::fill(second.begin(), second.end(), 0.0f);
  }
  void adam(std::size_t begin, std::size_t count, double rate, int step) {
    kernels::adam(value.data() + begin, gradient.data() + begin, first.data() + begin, second.data() + begin, count,
                  static_cast<float>(rate), step);
  }
};

/// Consecutive output channels of one of several layers: an item of parallel work.
struct ChannelBlock {
  std::size_t layer, begin, end;
};

/// Appends the blocks of a layer with this many channels of 'fan' weights.
void append_blocks(std::size_t layer, std::size_t channels, std::size_t fan, std::vector<ChannelBlock>& blocks);

}  // namespace shiftsim::quantizer
