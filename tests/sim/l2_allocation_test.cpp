// The allocation of the second-level buffer: tensors that live at the same time have places of their own.
#include "sim/compiler/l2_allocation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/qnet/random_network.h"

namespace shiftsim::sim {
namespace {

/// image -> a -> b -> c -> logits; c also adds a.
qnet::Network residual_chain() {
  qnet::Network network;
  network.tensors.resize(5);
  const auto layer = [&](int input, int output, int residual) {
    qnet::Layer l;
    l.input = input;
    l.output = output;
    l.residual = residual;
    network.layers.push_back(l);
  };
  layer(0, 1, -1);
  layer(1, 2, -1);
  layer(2, 3, 1);
  layer(3, 4, -1);
  return network;
}

TEST(L2Allocation, ByHand) {
  const std::vector<std::int64_t> bytes = {64, 64, 128, 64, 64};
  const auto all = allocate_l2(residual_chain(), bytes, 256);
  EXPECT_FALSE(all[0]) << "the image stays in DRAM";
  EXPECT_FALSE(all[4]) << "so do the logits";
  ASSERT_TRUE(all[1] && all[2] && all[3]);
  // a lives in layers 0 to 2, b in 1 and 2, c in 2 and 3: all three in layer 2.
  EXPECT_NE(*all[1], *all[2]);
  EXPECT_NE(*all[1], *all[3]);
  const auto none = allocate_l2(residual_chain(), bytes, 0);
  for (const auto& place : none) EXPECT_FALSE(place);
  // Room for one of 64 bytes: b is too large, a and c meet. Both save as much traffic: c takes the room for less time.
  const auto one = allocate_l2(residual_chain(), bytes, 64);
  EXPECT_FALSE(one[2]);
  EXPECT_TRUE(one[1].has_value() != one[3].has_value());
}

TEST(L2Allocation, NothingThatLivesTogetherOverlaps) {
  int placed = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const qnet::Network network = qnet::random_network(seed);
    std::vector<std::int64_t> bytes;
    for (const qnet::Tensor& tensor : network.tensors) bytes.push_back(static_cast<std::int64_t>(tensor.size()));
    const std::int64_t capacity = 500 + static_cast<std::int64_t>(seed) * 20;
    const auto places = allocate_l2(network, bytes, capacity);
    // Layer by layer: what is stored or still to be read.
    for (std::size_t now = 0; now < network.layers.size(); ++now) {
      std::vector<std::size_t> alive;
      for (std::size_t t = 0; t < network.tensors.size(); ++t) {
        int first = -1, last = -1;
        for (std::size_t i = 0; i < network.layers.size(); ++i) {
          const qnet::Layer& layer = network.layers[i];
          if (layer.output == static_cast<int>(t)) first = static_cast<int>(i);
          if (layer.input == static_cast<int>(t) || layer.residual == static_cast<int>(t)) last = static_cast<int>(i);
        }
        if (places[t] && first <= static_cast<int>(now) && static_cast<int>(now) <= last) alive.push_back(t);
      }
      std::ranges::sort(alive, {}, [&](std::size_t t) { return *places[t]; });
      for (std::size_t i = 0; i < alive.size(); ++i) {
        ++placed;
        EXPECT_LE(*places[alive[i]] + bytes[alive[i]], i + 1 < alive.size() ? *places[alive[i + 1]] : capacity)
            << "seed " << seed << ", layer " << now;
      }
    }
  }
  EXPECT_GT(placed, 1000);
}

}  // namespace
}  // namespace shiftsim::sim
