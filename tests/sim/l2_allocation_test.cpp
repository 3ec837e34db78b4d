// The allocation of the second-level buffer: tensors that live at the same time have places of their own.
#include "sim/compiler/l2_allocation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "qnet/tensor_sources.h"
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
  const auto all = allocate_l2(residual_chain(), bytes, {}, 256).tensors;
  EXPECT_FALSE(all[0]) << "the image stays in DRAM";
  EXPECT_FALSE(all[4]) << "so do the logits";
  ASSERT_TRUE(all[1] && all[2] && all[3]);
  // a lives in layers 0 to 2, b in 1 and 2, c in 2 and 3: all three in layer 2.
  EXPECT_NE(*all[1], *all[2]);
  EXPECT_NE(*all[1], *all[3]);
  const auto none = allocate_l2(residual_chain(), bytes, {}, 0).tensors;
  for (const auto& place : none) EXPECT_FALSE(place);
  // Room for one of 64 bytes: b is too large, a and c meet. Both save as much traffic: c takes the room for less time.
  const auto one = allocate_l2(residual_chain(), bytes, {}, 64).tensors;
  EXPECT_FALSE(one[2]);
  EXPECT_TRUE(one[1].has_value() != one[3].has_value());
}

TEST(L2Allocation, WeightsGetWhatTensorsLeave) {
  const std::vector<std::int64_t> bytes = {64, 64, 128, 64, 64};
  // In layer 2 three tensors live, of 256 bytes; its weights come while layer 1 computes, and those of 3 in layer 2.
  const L2Places places = allocate_l2(residual_chain(), bytes, {100, 100, 60, 0}, 320);
  EXPECT_EQ(std::ranges::count_if(places.tensors, [](const auto& place) { return place.has_value(); }), 3);
  ASSERT_TRUE(places.weights[2]) << "the smallest first: 64 bytes are left";
  EXPECT_FALSE(places.weights[1]) << "it lives in layer 1, where 128 bytes are left, less those of layer 2";
  ASSERT_TRUE(places.weights[0]) << "in layer 0 lives one tensor";
  EXPECT_FALSE(places.weights[3]) << "they need none";
}

TEST(L2Allocation, NothingThatLivesTogetherOverlaps) {
  int placed = 0, placed_weights = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const qnet::Network network = qnet::random_network(seed);
    const qnet::TensorSources sources(network);
    std::vector<std::int64_t> bytes;
    for (const qnet::Tensor& tensor : network.tensors) bytes.push_back(static_cast<std::int64_t>(tensor.size()));
    const std::int64_t capacity = 500 + static_cast<std::int64_t>(seed) * 20;
    std::vector<std::int64_t> weight_bytes;
    for (const qnet::Layer& layer : network.layers)
      weight_bytes.push_back(static_cast<std::int64_t>(layer.weights.size()));
    const L2Places all = allocate_l2(network, bytes, weight_bytes, capacity);
    const auto& places = all.tensors;
    // Layer by layer: what is stored or still to be read.
    for (std::size_t now = 0; now < network.layers.size(); ++now) {
      std::vector<std::size_t> alive;
      for (std::size_t t = 0; t < network.tensors.size(); ++t) {
        int first = -1, last = -1;
        for (std::size_t i = 0; i < network.layers.size(); ++i) {
          const qnet::Layer& layer = network.layers[i];
          if (layer.is_view()) continue;
          if (layer.output == static_cast<int>(t)) first = static_cast<int>(i);
          for (const int read : {layer.input, layer.residual})
            if (read >= 0 && std::ranges::count(sources.stored(read), static_cast<int>(t)) > 0)
              last = static_cast<int>(i);
        }
        if (places[t] && first <= static_cast<int>(now) && static_cast<int>(now) <= last) alive.push_back(t);
      }
      std::vector<std::pair<std::int64_t, std::int64_t>> rooms;  // first byte, bytes
      for (const std::size_t t : alive) rooms.emplace_back(*places[t], bytes[t]);
      placed += static_cast<int>(rooms.size());
      // The weights of this layer, and those of the next one that is no view.
      std::size_t next = now + 1;
      while (next < network.layers.size() && network.layers[next].is_view()) ++next;
      for (const std::size_t i : {now, next}) {
        if (network.layers[now].is_view() || i >= network.layers.size() || !all.weights[i]) continue;
        rooms.emplace_back(*all.weights[i], weight_bytes[i]);
        ++placed_weights;
      }
      std::ranges::sort(rooms);
      for (std::size_t i = 0; i < rooms.size(); ++i)
        EXPECT_LE(rooms[i].first + rooms[i].second, i + 1 < rooms.size() ? rooms[i + 1].first : capacity)
            << "seed " << seed << ", layer " << now;
    }
  }
  EXPECT_GT(placed, 1000);
  EXPECT_GT(placed_weights, 300);
}

}  // namespace
}  // namespace shiftsim::sim
