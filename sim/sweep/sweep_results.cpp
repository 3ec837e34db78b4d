#include "sim/sweep/sweep_results.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "common/atomic_file.h"
#include "common/text.h"
#include "common/text_table.h"
#include "common/titled_line.h"
#include "sim/pages/pages.h"
#include "sim/report/units.h"
#include "sim/sweep/metrics.h"
#include "sim/sweep/pareto.h"

namespace shiftsim::sim {
namespace {

constexpr const char* kPoints = "points.json";
constexpr std::size_t kMostLines = 40;  ///< of the printed front, and of each list below it

/// What differs between a point's row and the same point in the verifying engine; empty where nothing does.
std::string difference(const Row& row, const Row& verified, const char* engine) {
  if (verified.state != Row::State::kRun) return fmt::format("{}: {}", engine, verified.reason);
  for (std::size_t i = 0; i < metrics().size(); ++i) {
    if (metrics()[i].of == nullptr || std::isnan(row.metrics[i])) continue;
    if (row.metrics[i] == verified.metrics[i]) continue;
    return fmt::format("{}: {} here, {} there ({})", metrics()[i].name, row.metrics[i], verified.metrics[i], engine);
  }
  return row.digest == verified.digest ? "" : fmt::format("counters of the layers differ ({})", engine);
}

std::string metric_text(std::size_t metric, double value) {
  const std::string name = metrics()[metric].name;
  if (std::isnan(value)) return ".";
  if (name == "cycles") return with_commas(std::llround(value));
  if (name == "energy") return energy_text(value);
  if (name == "seconds") return time_text(value);
  if (name == "fps" || name == "dram_bytes") return short_number(value);
  return fmt::format("{:.4g}", value);
}

/// Of a path the name, which tells networks apart.
std::string last_part(const std::string& value) {
  return value.substr(value.find_last_of('/') + 1);
}

std::string points_text(std::size_t count) {
  return fmt::format("{} point{}", with_commas(static_cast<std::int64_t>(count)), count == 1 ? "" : "s");
}

}  // namespace

SweepResults::SweepResults(const SweepPlan& plan, std::vector<Row> rows, std::vector<std::size_t> front,
                           const std::vector<Row>& verified)
    : plan_(plan), rows_(std::move(rows)), front_(std::move(front)), on_front_(rows_.size()) {
  for (const std::size_t point : front_) on_front_[point] = true;
  for (std::size_t i = 0; i < front_.size(); ++i) {
    if (verified[i].state == Row::State::kMissing) continue;
    ++verified_;
    const std::string what = difference(rows_[front_[i]], verified[i], to_string(*plan.sweep().verify));
    if (!what.empty()) disagreements_.push_back({front_[i], what});
  }
  more_is_worse_ = more_is_worse(plan, rows_);
}

std::size_t SweepResults::count(Row::State state) const {
  return static_cast<std::size_t>(
      std::count_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.state == state; }));
}

SweepResults results_of(const SweepPlan& plan, const SweepWork& work) {
  std::vector<Row> rows = work.rows();
  const std::vector<std::size_t> front = work.front(rows);
  return {plan, std::move(rows), front, work.verified_rows(front.size())};
}

void SweepResults::write() const {
  std::vector<std::size_t> all;
  for (std::size_t point = 0; point < rows_.size(); ++point)
    if (rows_[point].state != Row::State::kMissing) all.push_back(point);
  write_csv("points.csv", all);
  write_csv("front.csv", front_);
  write_json(kPoints);
  write_file_atomically(plan_.folder() / "index.html", sweep_page(plan_.folder() / kPoints));
}

std::string SweepResults::text() const {
  const std::string table = front_table();
  return table + (table.empty() ? "" : "\n") + summary();
}

/// The values that differ between points, and all metrics that the front weighs.
std::string SweepResults::front_table() const {
  if (front_.empty()) return "";
  std::vector<TextTable::Column> columns = {{.title = "point"}};
  for (const Axis& axis : plan_.sweep().axes) {
    if (axis.steps.size() == 1) continue;
    for (const std::string& key : axis.keys) columns.push_back({.title = key, .gap = 2});
  }
  const std::vector<ParetoMetric> weighed = known_metrics(rows_, plan_.sweep().pareto);
  for (const ParetoMetric& metric : weighed) columns.push_back({.title = metrics()[metric.metric].name, .gap = 2});
  TextTable table(std::move(columns));
  for (std::size_t i = 0; i < std::min(front_.size(), kMostLines); ++i) {
    std::vector<std::string> cells = {std::to_string(front_[i])};
    const Steps steps = plan_.points().steps(front_[i]);
    for (std::size_t axis = 0; axis < steps.size(); ++axis) {
      const Axis& swept = plan_.sweep().axes[axis];
      if (swept.steps.size() == 1) continue;
      for (const AxisValue& value : swept.steps[steps[axis]]) cells.push_back(last_part(value.written));
    }
    for (const ParetoMetric& metric : weighed) {
      cells.push_back(metric_text(metric.metric, rows_[front_[i]].metrics[metric.metric]));
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

std::string SweepResults::summary() const {
  std::string text;
  const auto add = [&](const char* title, const std::string& content) { text += titled_line(title, content); };
  const Sweep& sweep = plan_.sweep();
  std::string points = points_text(rows_.size());
  if (const std::size_t many = count(Row::State::kUnfit)) points += fmt::format(", {} do not fit", many);
  if (missing() > 0) points += fmt::format(", {} not run yet", missing());
  add("sweep", fmt::format("{}: {}", sweep.name, points));
  const auto unfit =
      std::find_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.state == Row::State::kUnfit; });
  if (unfit != rows_.end()) add("", fmt::format("the first, point {}: {}", unfit - rows_.begin(), unfit->reason));

  std::vector<std::string> weighed, unknown;
  const std::vector<ParetoMetric> known = known_metrics(rows_, sweep.pareto);
  for (const ParetoMetric& metric : sweep.pareto) {
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const ParetoMetric& other) { return other.metric == metric.metric; });
    const std::string name = metrics()[metric.metric].name;
    if (is_known) weighed.push_back(fmt::format("{} {}", metric.more_is_better ? "max" : "min", name));
    if (!is_known) unknown.push_back(name);
  }
  add("front", fmt::format("{}: {}", points_text(front_.size()), join(weighed)));
  if (front_.size() > kMostLines) add("", fmt::format("the first {} stand above", kMostLines));
  if (!unknown.empty()) add("", fmt::format("left out, as no point has it: {}", join(unknown)));

  std::size_t lines = 0;
  const auto list = [&](const char* title, const std::string& content) {
    if (lines++ < kMostLines) add(title, content);
  };
  for (std::size_t point = 0; point < rows_.size(); ++point)
    if (rows_[point].state == Row::State::kWrong)
      list("WRONG", fmt::format("point {}: {}", point, rows_[point].reason));

  if (sweep.verify && verified_ > 0 && disagreements_.empty()) {
    add("verified", fmt::format("{} of the front in {}: equal", points_text(verified_), to_string(*sweep.verify)));
  }
  lines = 0;
  for (const Disagreement& found : disagreements_)
    list("NOT EQUAL", fmt::format("point {}: {}", found.point, found.what));

  lines = 0;
  for (const MoreIsWorse& found : more_is_worse_) {
    const double poorer = rows_[found.poorer].metrics[found.metric], richer = rows_[found.richer].metrics[found.metric];
    list("more is worse",
         fmt::format("{}: point {} takes {} {}, point {} with less of it {} (+{:.2f} %, at most {:.1f} %)", found.key,
                     found.richer, metric_text(found.metric, richer), metrics()[found.metric].name, found.poorer,
                     metric_text(found.metric, poorer), 100 * found.excess, 100 * found.allowed));
  }
  if (more_is_worse_.size() > kMostLines) add("", fmt::format("and {} more", more_is_worse_.size() - kMostLines));
  return text;
}

}  // namespace shiftsim::sim
