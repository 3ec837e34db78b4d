#include "quantizer/learn/arena_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace shiftsim::quantizer {

ArenaPlan plan_arena(const std::vector<Lifetime>& arrays) {
  const auto rounded = [](std::size_t size) {
    return (size + ArenaPlan::kAlignment - 1) / ArenaPlan::kAlignment * ArenaPlan::kAlignment;
  };
  std::vector<std::size_t> order(arrays.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return arrays[a].size > arrays[b].size; });
  ArenaPlan plan;
  plan.offsets.resize(arrays.size());
  std::vector<std::size_t> placed;
  for (const std::size_t i : order) {
    const Lifetime& array = arrays[i];
    if (array.size == 0) break;
    // What stands beside it in time, from the lowest on: the first gap that is wide enough.
    std::vector<std::pair<std::size_t, std::size_t>> taken;
    for (const std::size_t other : placed)
      if (arrays[other].first <= array.last && array.first <= arrays[other].last)
        taken.emplace_back(plan.offsets[other], plan.offsets[other] + rounded(arrays[other].size));
    std::ranges::sort(taken);
    std::size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (offset + array.size <= begin) break;
      offset = std::max(offset, end);
    }
    plan.offsets[i] = offset;
    plan.size = std::max(plan.size, offset + rounded(array.size));
    placed.push_back(i);
  }
  return plan;
}

}  // namespace shiftsim::quantizer
