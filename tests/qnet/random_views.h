// Views of random networks: joined, sliced, shuffled; pixels cut off and repeated.
#pragma once

#include <cstdint>
#include <string>

#include "qnet/network.h"
#include "tests/qnet/random_network.h"
#include "tests/qnet/random_source.h"

namespace shiftsim::qnet {

class RandomViews {
public:
  /// 'random': the network's own numbers. What changes pixels has others, so that networks that keep them do not
  /// depend on it.
  RandomViews(std::uint64_t seed, const RandomNetworkOptions& options, RandomSource& random);

  /// Adds a view of the last tensor and, often, of an earlier one: all their channels, a slice, or some in any order.
  void add(const std::string& name, Network& network);

private:
  struct Size {
    int height, width;
  };
  void choose_channels(const Network& network, Layer& layer);
  Size change_pixels(const Network& network, Layer& layer);
  void join_pixels(const Network& network, Layer& layer, Size& all);

  RandomSource& random_;
  RandomSource pixel_random_;
  const RandomNetworkOptions& options_;
};

}  // namespace shiftsim::qnet
