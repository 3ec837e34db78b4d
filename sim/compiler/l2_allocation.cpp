#include "sim/compiler/l2_allocation.h"

#include <algorithm>
#include <numeric>

namespace shiftsim::sim {
namespace {

/// Layers from the one that stores a tensor to the last one that reads it.
struct Lifetime {
  int first = -1, last = -1;
  int readers = 0;

  bool meets(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

std::vector<Lifetime> lifetimes(const qnet::Network& network) {
  std::vector<Lifetime> result(network.tensors.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const qnet::Layer& layer = network.layers[i];
    result[static_cast<std::size_t>(layer.output)].first = static_cast<int>(i);
    for (const int read : {layer.input, layer.residual}) {
      if (read < 0) continue;
      Lifetime& tensor = result[static_cast<std::size_t>(read)];
      tensor.last = static_cast<int>(i);
      ++tensor.readers;
    }
  }
  return result;
}

}  // namespace

std::vector<std::optional<std::int64_t>> allocate_l2(const qnet::Network& network,
                                                     const std::vector<std::int64_t>& bytes, std::int64_t capacity) {
  const std::vector<Lifetime> life = lifetimes(network);
  std::vector<std::size_t> order;
  for (std::size_t t = 0; t < bytes.size(); ++t) {
    const bool between_layers = life[t].first >= 0 && life[t].readers > 0;
    if (between_layers && bytes[t] <= capacity) order.push_back(t);
  }
  // One store and its reads are saved; all bytes of a tensor cost the same room.
  const auto worth = [&](std::size_t t) {
    return static_cast<double>(1 + life[t].readers) / (life[t].last - life[t].first + 1);
  };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    if (worth(a) != worth(b)) return worth(a) > worth(b);
    return bytes[a] > bytes[b];
  });

  std::vector<std::optional<std::int64_t>> places(bytes.size());
  for (const std::size_t t : order) {
    // The first gap among those that live at the same time.
    std::vector<std::size_t> neighbours;
    for (std::size_t other = 0; other < places.size(); ++other)
      if (places[other] && life[other].meets(life[t])) neighbours.push_back(other);
    std::ranges::sort(neighbours, {}, [&](std::size_t other) { return *places[other]; });
    std::int64_t at = 0;
    for (const std::size_t other : neighbours) {
      if (*places[other] - at >= bytes[t]) break;
      at = std::max(at, *places[other] + bytes[other]);
    }
    if (at + bytes[t] <= capacity) places[t] = at;
  }
  return places;
}

}  // namespace shiftsim::sim
