#include "sim/sweep/sweep_work.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "sim/sweep/metrics.h"
#include "sim/sweep/pareto.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

/// Blocks, each a file: so many that the last ones are shared well, and so few that a folder holds them easily.
constexpr std::size_t kBlocks = 2000, kLargestBlock = 250;

std::size_t block_size(std::size_t points) {
  return std::clamp<std::size_t>(points / kBlocks, 1, kLargestBlock);
}

fs::path rows_folder(const SweepPlan& plan, const char* kind) {
  return plan.folder() / "rows" / kind;
}

bool is_row(const std::string& line, std::size_t row) {
  return Row::parse(line, row).has_value();
}

}  // namespace

SweepWork::SweepWork(const SweepPlan& plan)
    : plan_(plan),
      runner_(plan.folder() / "waveforms"),
      accuracies_(rows_folder(plan, "accuracies"), plan.accuracies().size(), 1, is_row),
      points_(rows_folder(plan, "points"), plan.points().size(), block_size(plan.points().size()), is_row) {}

bool SweepWork::accuracies() {
  return accuracies_.work_off([&](std::size_t number) {
    Row row{Row::State::kRun, std::vector<double>(metrics().size(), std::numeric_limits<double>::quiet_NaN()), "", ""};
    row.metrics[metric_index("accuracy")] = PointRunner::accuracy(plan_.accuracies()[number]);
    return row.line(number);
  });
}

bool SweepWork::points() {
  return points_.work_off(
      [&](std::size_t point) { return runner_.run(point, [&] { return plan_.config(point); }).line(point); });
}

SharedWork& SweepWork::verify_work() {
  if (!verify_) {
    front_ = front(rows());
    verify_.emplace(rows_folder(plan_, "verify"), front_.size(), 1, is_row);
  }
  return *verify_;
}

bool SweepWork::verification() {
  if (!plan_.sweep().verify) return true;
  SharedWork& work = verify_work();
  return work.work_off([&](std::size_t place) {
    const std::size_t point = front_[place];
    const auto load = [&] {
      RunConfig config = plan_.config(point);
      config.fidelity = *plan_.sweep().verify;
      return config;
    };
    return runner_.run(point, load).line(place);
  });
}

bool SweepWork::is_complete() {
  if (accuracies_.rows_done() < accuracies_.size() || points_.rows_done() < points_.size()) return false;
  return !plan_.sweep().verify || verify_work().rows_done() == verify_work().size();
}

std::vector<Row> SweepWork::rows() const {
  const std::size_t accuracy = metric_index("accuracy");
  std::vector<double> known(accuracies_.size(), std::numeric_limits<double>::quiet_NaN());
  accuracies_.read([&](std::size_t number, const std::string& line) {
    known[number] = Row::parse(line, number)->metrics[accuracy];
  });
  std::vector<Row> rows(points_.size());
  points_.read([&](std::size_t point, const std::string& line) {
    rows[point] = *Row::parse(line, point);
    if (rows[point].state == Row::State::kRun) rows[point].metrics[accuracy] = known[plan_.accuracy_of(point)];
  });
  return rows;
}

std::vector<Row> SweepWork::verified_rows(std::size_t front) const {
  std::vector<Row> rows(front);
  if (!plan_.sweep().verify) return rows;
  const SharedWork work(rows_folder(plan_, "verify"), front, 1, is_row);
  work.read([&](std::size_t place, const std::string& line) { rows[place] = *Row::parse(line, place); });
  return rows;
}

std::vector<std::size_t> SweepWork::front(const std::vector<Row>& rows) const {
  return pareto_front(rows, known_metrics(rows, plan_.sweep().pareto));
}

}  // namespace shiftsim::sim
