// Proof of widths: the interval of every intermediate value over all possible inputs, from the actual weights.
#pragma once

#include <cstdint>

#include "qnet/network.h"

namespace shiftsim::qnet {

struct Interval {
  std::int64_t low = 0, high = 0;
  /// Bits of two's complement that hold the interval.
  int bits() const;
};

/// Bounds of one layer, the union over its output channels.
struct LayerBounds {
  Interval accumulator;  ///< A[k] and, where there are offsets, S: what the array's accumulators hold
  Interval
      widened;   ///< depthwise: sum of a * (2q + c), what the array holds where offsets are widened into the weights
  Interval ppu;  ///< acc, + bias, + residual, + rounding half, and x << -n: what the PPU's 32 bits hold
};

/// Windows that lie partly in the padding see pad values, which the bounds include.
LayerBounds bounds(const Network& network, const Layer& layer);

}  // namespace shiftsim::qnet
