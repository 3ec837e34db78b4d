#include "sim/sweep/pareto.h"

#include <algorithm>
#include <cmath>

namespace shiftsim::sim {
namespace {

/// A row's figures, of which less is better.
struct Candidate {
  std::size_t row = 0;
  std::vector<double> costs;

  bool operator<(const Candidate& other) const { return costs != other.costs ? costs < other.costs : row < other.row; }
};

/// Whether 'a' is at least as good everywhere, and not equal.
bool beats(const std::vector<double>& a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] > b[i]) return false;
  return a != b;
}

}  // namespace

std::vector<ParetoMetric> known_metrics(const std::vector<Row>& rows, const std::vector<ParetoMetric>& wanted) {
  std::vector<ParetoMetric> known;
  for (const ParetoMetric& metric : wanted) {
    const bool found = std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
      return row.state == Row::State::kRun && !std::isnan(row.metrics[metric.metric]);
    });
    if (found) known.push_back(metric);
  }
  return known;
}

std::vector<std::size_t> pareto_front(const std::vector<Row>& rows, const std::vector<ParetoMetric>& metrics) {
  std::vector<Candidate> candidates;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (metrics.empty() || rows[row].state != Row::State::kRun) continue;
    Candidate candidate{row, {}};
    for (const ParetoMetric& metric : metrics) {
      const double value = rows[row].metrics[metric.metric];
      candidate.costs.push_back(metric.more_is_better ? -value : value);
    }
    if (std::none_of(candidate.costs.begin(), candidate.costs.end(), [](double cost) { return std::isnan(cost); })) {
      candidates.push_back(std::move(candidate));
    }
  }
  // In this order a candidate can only be beaten by one before it.
  std::sort(candidates.begin(), candidates.end());
  std::vector<const Candidate*> front;
  std::vector<std::size_t> numbers;
  for (const Candidate& candidate : candidates) {
    const auto beaten = [&](const Candidate* other) { return beats(other->costs, candidate.costs); };
    if (std::any_of(front.begin(), front.end(), beaten)) continue;
    front.push_back(&candidate);
    numbers.push_back(candidate.row);
  }
  return numbers;
}

}  // namespace shiftsim::sim
