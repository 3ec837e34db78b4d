// The conditions of a sweep, looked up for many points.
#pragma once

#include <vector>

#include "sim/sweep/sweep.h"

namespace shiftsim::sim {

/// Where a key has an axis, its value is the point's; else the one that all points have.
class Conditions {
public:
  /// The sweep must outlive this object.
  explicit Conditions(const Sweep& sweep);

  /// Whether a point with these steps meets all of them. Throws UserError at the place of 'where'.
  bool hold(const std::vector<std::size_t>& steps);

private:
  /// Where the value of a condition's key stands: an axis, or none, and its values.
  struct Source {
    std::size_t axis = 0;
    std::vector<ExpressionValue> values;  ///< by step; one where no axis sets the key
    bool fixed = true;
  };

  Source source_of(const std::string& key, const RunConfig& base) const;

  const Sweep& sweep_;
  std::vector<std::vector<Source>> sources_;                ///< by condition and key
  std::vector<std::vector<const ExpressionValue*>> found_;  ///< the same, of the point at hand
};

}  // namespace shiftsim::sim
