#include "sim/sweep/points.h"

#include <algorithm>
#include <limits>
#include <random>
#include <unordered_set>

#include "common/error.h"
#include "sim/sweep/conditions.h"
#include "sim/sweep/limits.h"

namespace shiftsim::sim {
namespace {

/// Draws that meet no condition before a sweep is told that its conditions leave too few points.
constexpr std::uint64_t kDrawsPerPoint = 1000, kFewestDraws = 1'000'000;

std::uint64_t product_of(const Sweep& sweep) {
  std::uint64_t product = 1;
  for (const Axis& axis : sweep.axes) {
    if (product > std::numeric_limits<std::uint64_t>::max() / axis.steps.size()) {
      fail("{}: the axes have more than 2^64 combinations", sweep.file.string());
    }
    product *= axis.steps.size();
  }
  return product;
}

}  // namespace

Points::Points(const Sweep& sweep) : sweep_(sweep) {
  const std::uint64_t products = product_of(sweep);
  if (products <= kMostPoints) {
    choose_all(products);
  } else {
    draw(products);
  }
  if (chosen_.empty()) fail("{}: no point meets the conditions of 'where'", sweep.file.string());
}

void Points::choose_all(std::uint64_t products) {
  Conditions conditions(sweep_);
  for (std::uint64_t product = 0; product < products; ++product)
    if (conditions.hold(steps_of(product))) chosen_.push_back(product);
  if (!sweep_.random || sweep_.random->points >= chosen_.size()) return;
  // The first steps of Fisher and Yates. The standard's distributions differ between libraries.
  std::mt19937_64 random(sweep_.random->seed);
  for (std::size_t i = 0; i < sweep_.random->points; ++i) {
    std::swap(chosen_[i], chosen_[i + random() % (chosen_.size() - i)]);
  }
  chosen_.resize(sweep_.random->points);
  std::sort(chosen_.begin(), chosen_.end());
}

/// Too many combinations to go through: draws until there are enough.
void Points::draw(std::uint64_t products) {
  Conditions conditions(sweep_);
  std::mt19937_64 random(sweep_.random->seed);
  std::unordered_set<std::uint64_t> drawn;
  const std::size_t wanted = sweep_.random->points;
  for (std::uint64_t left = std::max(kFewestDraws, wanted * kDrawsPerPoint); drawn.size() < wanted; --left) {
    if (left == 0) {
      fail("{}: of {} combinations too few meet the conditions: {} points were found, expected {}",
           sweep_.file.string(), products, drawn.size(), wanted);
    }
    const std::uint64_t product = random() % products;
    if (conditions.hold(steps_of(product))) drawn.insert(product);
  }
  chosen_.assign(drawn.begin(), drawn.end());
  std::sort(chosen_.begin(), chosen_.end());
}

Steps Points::steps_of(std::uint64_t product) const {
  Steps steps(sweep_.axes.size());
  for (std::size_t axis = steps.size(); axis-- > 0;) {
    const std::size_t size = sweep_.axes[axis].steps.size();
    steps[axis] = product % size;
    product /= size;
  }
  return steps;
}

std::uint64_t Points::combination(std::size_t point, const std::vector<std::size_t>& axes) const {
  const Steps taken = steps(point);
  std::uint64_t number = 0;
  for (const std::size_t axis : axes) number = number * sweep_.axes[axis].steps.size() + taken[axis];
  return number;
}

std::vector<std::string> written_values(const Sweep& sweep, const Steps& steps) {
  std::vector<std::string> values;
  for (std::size_t axis = 0; axis < steps.size(); ++axis)
    for (const AxisValue& value : sweep.axes[axis].steps[steps[axis]]) values.push_back(value.written);
  return values;
}

}  // namespace shiftsim::sim
