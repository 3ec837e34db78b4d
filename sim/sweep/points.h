// The points of a sweep: the steps that its axes take together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/sweep/sweep.h"

namespace shiftsim::sim {

/// A step of each axis.
using Steps = std::vector<std::size_t>;

/// All combinations of the axes' steps, or those drawn of them, that meet the conditions. They are in the order of the
/// axes; the last axis changes fastest.
class Points {
public:
  /// The sweep must outlive this object. Throws UserError where no point meets the conditions.
  explicit Points(const Sweep& sweep);

  std::size_t size() const { return chosen_.size(); }
  Steps steps(std::size_t point) const { return steps_of(chosen_[point]); }
  /// The combination of some axes' steps in a point, as a number: equal where these axes take equal steps.
  std::uint64_t combination(std::size_t point, const std::vector<std::size_t>& axes) const;

private:
  Steps steps_of(std::uint64_t product) const;
  void choose_all(std::uint64_t products);
  void draw(std::uint64_t products);

  const Sweep& sweep_;
  std::vector<std::uint64_t> chosen_;  ///< numbers of combinations, ascending
};

/// What a point's steps set, as the sweep file has it, in the order of Sweep::keys().
std::vector<std::string> written_values(const Sweep& sweep, const Steps& steps);

}  // namespace shiftsim::sim
