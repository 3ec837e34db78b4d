// What a sweep compares points by.
#pragma once

#include <string>
#include <vector>

#include "sim/report/report.h"

namespace shiftsim::sim {

/// A figure of a point. A new one is a line in metrics.cpp.
struct Metric {
  const char* name;
  const char* unit;
  bool more_is_better;
  const char* meaning;
  /// NaN where the run does not give it. Null: accuracy, which is computed once for a network and its images.
  double (*of)(const Report& report);
};

/// All of them, in the order of the columns of points.csv.
const std::vector<Metric>& metrics();

/// Places in metrics().
std::size_t metric_index(const std::string& name);
std::vector<std::string> metric_names();

}  // namespace shiftsim::sim
