#include "sim/sweep/combinations.h"

#include <algorithm>
#include <map>
#include <utility>

namespace shiftsim::sim {

Combinations::Combinations(const Points& points, std::vector<std::size_t> axes)
    : points_(points), axes_(std::move(axes)) {
  std::map<std::uint64_t, std::size_t> found;
  for (std::size_t point = 0; point < points.size(); ++point) found.emplace(points.combination(point, axes_), point);
  for (const auto& [number, point] : found) {
    numbers_.push_back(number);
    first_.push_back(point);
  }
}

std::size_t Combinations::of(std::size_t point) const {
  const auto place = std::lower_bound(numbers_.begin(), numbers_.end(), points_.combination(point, axes_));
  return static_cast<std::size_t>(place - numbers_.begin());
}

}  // namespace shiftsim::sim
