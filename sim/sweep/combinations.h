// Runs that some axes decide alone: networks to make, accuracies to measure. Each is done once for all points.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/sweep/points.h"

namespace shiftsim::sim {

/// The combinations of some axes' steps that points have.
class Combinations {
public:
  /// The points must outlive this object.
  Combinations(const Points& points, std::vector<std::size_t> axes);

  std::size_t size() const { return first_.size(); }
  /// A point that has the combination: the first one.
  std::size_t first_point(std::size_t combination) const { return first_[combination]; }
  std::size_t of(std::size_t point) const;

private:
  const Points& points_;
  std::vector<std::size_t> axes_;
  std::vector<std::uint64_t> numbers_;  ///< ascending
  std::vector<std::size_t> first_;
};

}  // namespace shiftsim::sim
