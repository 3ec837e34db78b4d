// points.csv, front.csv and points.json.
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/atomic_file.h"
#include "common/csv.h"
#include "sim/sweep/metrics.h"
#include "sim/sweep/sweep_results.h"

namespace shiftsim::sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

Json sweep_json(const SweepPlan& plan) {
  const Sweep& sweep = plan.sweep();
  Json json = {{"format", kFormat}, {"sweep", sweep.name}, {"keys", sweep.keys()}};
  json["metrics"] = Json::array();
  for (const Metric& metric : metrics()) {
    json["metrics"].push_back({{"name", metric.name},
                               {"unit", metric.unit},
                               {"better", metric.more_is_better ? "more" : "less"},
                               {"meaning", metric.meaning}});
  }
  json["pareto"] = Json::array();
  for (const ParetoMetric& metric : sweep.pareto) {
    json["pareto"].push_back(
        {{"metric", metrics()[metric.metric].name}, {"better", metric.more_is_better ? "more" : "less"}});
  }
  return json;
}

/// A whole number without a decimal point.
Json number(double value) {
  if (std::isnan(value)) return nullptr;
  constexpr double kWhole = 9007199254740992;  // 2^53
  if (value == std::floor(value) && std::abs(value) < kWhole) return static_cast<std::int64_t>(value);
  return value;
}

Json metrics_json(const Row& row) {
  Json json = Json::object();
  for (std::size_t i = 0; i < row.metrics.size(); ++i) json[metrics()[i].name] = number(row.metrics[i]);
  return json;
}

}  // namespace

void SweepResults::write_csv(const char* name, const std::vector<std::size_t>& points) const {
  AtomicFile file(plan_.folder() / name);
  std::string line = "point";
  for (const std::string& key : plan_.sweep().keys()) line += fmt::format(",{}", csv_field(key));
  for (const Metric& metric : metrics()) line += fmt::format(",{}", metric.name);
  file.write(fmt::format("{},front,reason,command\n", line));
  for (const std::size_t point : points) {
    const Row& row = rows_[point];
    line = std::to_string(point);
    for (const std::string& value : written_values(plan_.sweep(), plan_.points().steps(point))) {
      line += fmt::format(",{}", csv_field(value));
    }
    for (std::size_t i = 0; i < metrics().size(); ++i) {
      const bool known = i < row.metrics.size() && !std::isnan(row.metrics[i]);
      line += known ? fmt::format(",{}", row.metrics[i]) : ",";
    }
    file.write(fmt::format("{},{},{},{}\n", line, on_front_[point] ? 1 : 0, csv_field(row.reason),
                           csv_field(plan_.command(point))));
  }
  file.commit();
}

/// A point a line, so that large sweeps are never one value in memory.
void SweepResults::write_json(const char* name) const {
  AtomicFile file(plan_.folder() / name);
  const auto text = [](const Json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  std::string head = text(sweep_json(plan_));
  head.pop_back();  // the closing bracket
  file.write(fmt::format("{},\n\"points\":[", head));
  bool first = true;
  for (std::size_t point = 0; point < rows_.size(); ++point) {
    const Row& row = rows_[point];
    if (row.state == Row::State::kMissing) continue;
    Json json = {{"point", point}, {"values", written_values(plan_.sweep(), plan_.points().steps(point))}};
    json["metrics"] = row.state == Row::State::kRun ? metrics_json(row) : Json(nullptr);
    json["front"] = static_cast<bool>(on_front_[point]);
    if (!row.reason.empty()) json["reason"] = row.reason;
    json["command"] = plan_.command(point);
    file.write(fmt::format("{}{}", first ? "\n" : ",\n", text(json)));
    first = false;
  }
  Json tail = {{"verified", verified_}, {"disagreements", Json::array()}, {"more_is_worse", Json::array()}};
  for (const Disagreement& found : disagreements_) {
    tail["disagreements"].push_back({{"point", found.point}, {"what", found.what}});
  }
  for (const MoreIsWorse& found : more_is_worse_) {
    tail["more_is_worse"].push_back({{"key", found.key},
                                     {"poorer", found.poorer},
                                     {"richer", found.richer},
                                     {"metric", metrics()[found.metric].name},
                                     {"excess", found.excess},
                                     {"allowed", found.allowed}});
  }
  file.write(fmt::format("\n],\n{}\n", text(tail).substr(1)));
  file.commit();
}

}  // namespace shiftsim::sim
