// What a sweep writes and prints: points.csv, points.json, front.csv, its page, the table of the Pareto front.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/sweep/more_is_worse.h"
#include "sim/sweep/row.h"
#include "sim/sweep/sweep_plan.h"
#include "sim/sweep/sweep_work.h"

namespace shiftsim::sim {

/// A point of the front that the verifying engine does not confirm.
struct Disagreement {
  std::size_t point = 0;
  std::string what;  ///< the metric, or the reason of a run that ended badly
};

class SweepResults {
public:
  /// 'rows': one a point; 'front': numbers of rows; 'verified': one a point of the front. The plan must outlive this
  /// object.
  SweepResults(const SweepPlan& plan, std::vector<Row> rows, std::vector<std::size_t> front,
               const std::vector<Row>& verified);

  /// Writes the files into the plan's folder, each whole or not at all.
  void write() const;
  /// The front, one point a line, and below it what there is to say of the sweep.
  std::string text() const;

  std::size_t missing() const { return count(Row::State::kMissing); }
  std::size_t wrong() const { return count(Row::State::kWrong); }
  const std::vector<Disagreement>& disagreements() const { return disagreements_; }

private:
  std::size_t count(Row::State state) const;
  void write_csv(const char* file, const std::vector<std::size_t>& points) const;
  void write_json(const char* file) const;
  std::string front_table() const;
  std::string summary() const;

  const SweepPlan& plan_;
  std::vector<Row> rows_;
  std::vector<std::size_t> front_;
  std::vector<bool> on_front_;  ///< by point
  std::size_t verified_ = 0;
  std::vector<Disagreement> disagreements_;
  std::vector<MoreIsWorse> more_is_worse_;
};

/// Of the rows that are there. The plan must outlive them.
SweepResults results_of(const SweepPlan& plan, const SweepWork& work);

}  // namespace shiftsim::sim
