// The points that no other point beats.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/sweep/row.h"
#include "sim/sweep/sweep.h"

namespace shiftsim::sim {

/// The metrics of those wanted that some row has; the others cannot be weighed.
std::vector<ParetoMetric> known_metrics(const std::vector<Row>& rows, const std::vector<ParetoMetric>& wanted);

/// Numbers of the rows than which no other is as good in all metrics and better in one, the best in the first metric
/// first. Rows of equal figures are all there. A row that lacks one of the metrics is not.
std::vector<std::size_t> pareto_front(const std::vector<Row>& rows, const std::vector<ParetoMetric>& metrics);

}  // namespace shiftsim::sim
