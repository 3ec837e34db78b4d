#include "sim/compiler/l2_allocation.h"

#include <algorithm>
#include <numeric>

#include "qnet/tensor_sources.h"

namespace shiftsim::sim {
namespace {

/// Layers from the one that stores a tensor to the last one that reads it.
struct Lifetime {
  int first = -1, last = -1;
  int readers = 0;

  bool meets(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

std::vector<Lifetime> lifetimes(const qnet::Network& network, const qnet::TensorSources& sources) {
  std::vector<Lifetime> result(network.tensors.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const qnet::Layer& layer = network.layers[i];
    if (layer.is_view()) continue;
    result[static_cast<std::size_t>(layer.output)].first = static_cast<int>(i);
    for (const int read : {layer.input, layer.residual}) {
      if (read < 0) continue;
      for (const int stored : sources.stored(read)) {
        Lifetime& tensor = result[static_cast<std::size_t>(stored)];
        tensor.last = static_cast<int>(i);
        ++tensor.readers;
      }
    }
  }
  return result;
}

using Group = std::vector<std::size_t>;

/// Tensors that some view joins, directly or by way of another one, and every other tensor by itself.
std::vector<Group> joined_groups(const qnet::Network& network, const qnet::TensorSources& sources) {
  std::vector<std::size_t> leader(network.tensors.size());
  std::iota(leader.begin(), leader.end(), std::size_t{0});
  const auto find = [&](std::size_t tensor) {
    while (leader[tensor] != tensor) tensor = leader[tensor];
    return tensor;
  };
  for (std::size_t t = 0; t < leader.size(); ++t) {
    const std::vector<int> stored = sources.stored(static_cast<int>(t));
    for (const int other : stored) {
      const auto [low, high] =
          std::minmax({find(static_cast<std::size_t>(stored.front())), find(static_cast<std::size_t>(other))});
      leader[high] = low;
    }
  }
  std::vector<Group> groups(leader.size());
  for (std::size_t t = 0; t < leader.size(); ++t)
    if (!sources.is_view(static_cast<int>(t))) groups[find(t)].push_back(t);
  std::erase_if(groups, [](const Group& group) { return group.empty(); });
  return groups;
}

/// Of each layer's weights: they are loaded while the layer before still computes.
std::vector<Lifetime> weight_lifetimes(const qnet::Network& network) {
  std::vector<Lifetime> result;
  int before = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const int index = static_cast<int>(i);
    result.push_back({before, index, 1});
    if (!network.layers[i].is_view()) before = index;
  }
  return result;
}

class Allocation {
public:
  /// Of tensors, and behind them of whatever else lives for some layers.
  Allocation(const std::vector<Lifetime>& life, const std::vector<std::int64_t>& bytes, std::int64_t capacity)
      : life_(life), bytes_(bytes), capacity_(capacity), places_(bytes.size()) {}

  bool can_stay(const Group& group) const {
    return std::ranges::all_of(group, [&](std::size_t t) {
      const bool between_layers = life_[t].first >= 0 && life_[t].readers > 0;
      return between_layers && bytes_[t] <= capacity_;
    });
  }

  /// DRAM traffic saved for room times time: one store and its reads are saved.
  double worth(const Group& group) const {
    double saved = 0;
    double cost = 0;
    for (const std::size_t t : group) {
      saved += static_cast<double>(bytes_[t] * (1 + life_[t].readers));
      cost += static_cast<double>(bytes_[t] * (life_[t].last - life_[t].first + 1));
    }
    return cost > 0 ? saved / cost : 0;
  }

  std::int64_t size(const Group& group) const {
    return std::accumulate(group.begin(), group.end(), std::int64_t{0},
                           [&](std::int64_t sum, std::size_t t) { return sum + bytes_[t]; });
  }

  /// All of the group, or none.
  void place(const Group& group) {
    for (const std::size_t t : group) {
      const std::int64_t at = first_gap(t);
      if (at + bytes_[t] > capacity_) {
        for (const std::size_t member : group) places_[member].reset();
        return;
      }
      places_[t] = at;
    }
  }

  std::vector<std::optional<std::int64_t>> places() && { return std::move(places_); }

private:
  /// Among those that live at the same time.
  std::int64_t first_gap(std::size_t t) const {
    std::vector<std::size_t> neighbours;
    for (std::size_t other = 0; other < places_.size(); ++other)
      if (places_[other] && life_[other].meets(life_[t])) neighbours.push_back(other);
    std::ranges::sort(neighbours, {}, [&](std::size_t other) { return *places_[other]; });
    std::int64_t at = 0;
    for (const std::size_t other : neighbours) {
      if (*places_[other] - at >= bytes_[t]) break;
      at = std::max(at, *places_[other] + bytes_[other]);
    }
    return at;
  }

  const std::vector<Lifetime>& life_;
  const std::vector<std::int64_t>& bytes_;
  std::int64_t capacity_;
  std::vector<std::optional<std::int64_t>> places_;
};

}  // namespace

L2Places allocate_l2(const qnet::Network& network, const std::vector<std::int64_t>& tensor_bytes,
                     const std::vector<std::int64_t>& weight_bytes, std::int64_t capacity) {
  const qnet::TensorSources sources(network);
  std::vector<Lifetime> life = lifetimes(network, sources);
  const std::vector<Lifetime> weight_life = weight_lifetimes(network);
  life.insert(life.end(), weight_life.begin(), weight_life.end());
  std::vector<std::int64_t> bytes = tensor_bytes;
  bytes.insert(bytes.end(), weight_bytes.begin(), weight_bytes.end());
  Allocation allocation(life, bytes, capacity);
  std::vector<Group> groups = joined_groups(network, sources);
  std::erase_if(groups, [&](const Group& group) { return !allocation.can_stay(group); });
  std::ranges::stable_sort(groups, [&](const Group& a, const Group& b) {
    const double worth_a = allocation.worth(a);
    const double worth_b = allocation.worth(b);
    return worth_a != worth_b ? worth_a > worth_b : allocation.size(a) > allocation.size(b);
  });
  for (const Group& group : groups) allocation.place(group);

  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < weight_bytes.size(); ++i)
    if (weight_bytes[i] > 0) layers.push_back(i);
  std::ranges::stable_sort(layers, {}, [&](std::size_t layer) { return weight_bytes[layer]; });
  for (const std::size_t layer : layers) allocation.place({tensor_bytes.size() + layer});

  const std::vector<std::optional<std::int64_t>> places = std::move(allocation).places();
  const auto end_of_tensors = places.begin() + static_cast<std::ptrdiff_t>(tensor_bytes.size());
  return {{places.begin(), end_of_tensors}, {end_of_tensors, places.end()}};
}

}  // namespace shiftsim::sim
