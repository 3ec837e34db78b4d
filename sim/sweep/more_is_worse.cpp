#include "sim/sweep/more_is_worse.h"

#include <algorithm>
#include <map>
#include <optional>

#include "sim/config/settings.h"
#include "sim/sweep/metrics.h"

namespace shiftsim::sim {
namespace {

constexpr const char* kObjectiveKey = "mapping.objective";
constexpr const char* kDefaultObjective = "balanced";

/// What an objective promises.
struct Promise {
  const char* objective;
  const char* metric;
  double allowed;
};
constexpr Promise kPromises[] = {
    {"balanced", "cycles", 0.02},
    {"cycles", "cycles", 0.001},
    {"dram_bytes", "dram_bytes", 0.001},
};

/// The objective of all points' mappings, where no axis sets it.
std::string base_objective(const SweepPlan& plan) {
  const RunConfig base = plan.base();
  for (const auto& setting : settings())
    if (setting.path == kObjectiveKey) return setting.value(base).get<std::string>();
  return kDefaultObjective;
}

/// The numeric value of each step of an axis, by which it is poorer or richer; less is poorer. None where a step has no
/// number ('auto').
std::vector<std::optional<double>> amounts(const Axis& axis, bool more_helps) {
  std::vector<std::optional<double>> amounts;
  for (const std::vector<AxisValue>& step : axis.steps) {
    const ExpressionValue value = expression_value(step.front().written);
    const double* number = std::get_if<double>(&value);
    amounts.push_back(number == nullptr ? std::nullopt : std::optional(more_helps ? *number : -*number));
  }
  return amounts;
}

class Search {
public:
  Search(const SweepPlan& plan, const std::vector<Row>& rows)
      : plan_(plan), rows_(rows), base_objective_(base_objective(plan)) {
    const std::vector<Axis>& axes = plan.sweep().axes;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (axes[i].keys == std::vector<std::string>{kObjectiveKey}) objective_axis_ = i;
    }
  }

  void along(std::size_t axis, const Resource& resource) {
    const Axis& swept = plan_.sweep().axes[axis];
    const std::vector<std::optional<double>> richness = amounts(swept, resource.more_helps);
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < plan_.sweep().axes.size(); ++i)
      if (i != axis) others.push_back(i);
    // Points that are equal in all else, by how rich they are.
    std::map<std::uint64_t, std::vector<std::pair<double, std::size_t>>> lines;
    for (std::size_t point = 0; point < rows_.size(); ++point) {
      if (rows_[point].state != Row::State::kRun) continue;
      const std::optional<double> amount = richness[plan_.points().steps(point)[axis]];
      if (amount) lines[plan_.points().combination(point, others)].emplace_back(*amount, point);
    }
    for (auto& [others_of_line, line] : lines) {
      std::sort(line.begin(), line.end());
      for (const Promise& promise : kPromises) check(line, resource, promise);
    }
  }

  std::vector<MoreIsWorse> found;

private:
  std::string objective(std::size_t point) const {
    if (!objective_axis_) return base_objective_;
    const Axis& axis = plan_.sweep().axes[*objective_axis_];
    return axis.steps[plan_.points().steps(point)[*objective_axis_]].front().written;
  }

  /// Each point against the cheapest poorer one.
  void check(const std::vector<std::pair<double, std::size_t>>& line, const Resource& resource,
             const Promise& promise) {
    if (objective(line.front().second) != promise.objective) return;
    const std::size_t metric = metric_index(promise.metric);
    std::size_t best = line.front().second;
    for (const auto& [amount, point] : line) {
      const double least = rows_[best].metrics[metric], here = rows_[point].metrics[metric];
      if (here > least * (1 + promise.allowed)) {
        found.push_back({best, point, resource.key, metric, here / least - 1, promise.allowed});
      }
      if (here < least) best = point;
    }
  }

  const SweepPlan& plan_;
  const std::vector<Row>& rows_;
  std::string base_objective_;
  std::optional<std::size_t> objective_axis_;
};

}  // namespace

const std::vector<Resource>& resources() {
  static const std::vector<Resource> all = {
      {"scratchpad.activation_kib", true}, {"scratchpad.weight_kib", true}, {"scratchpad.table_kib", true},
      {"scratchpad.residual_kib", true},   {"scratchpad.output_kib", true}, {"command_queue_depth", true},
      {"dram.bytes_per_cycle", true},      {"dram.latency_cycles", false},  {"l2.kib", true},
      {"l2.bytes_per_cycle", true},        {"l2.latency_cycles", false},
  };
  return all;
}

std::vector<MoreIsWorse> more_is_worse(const SweepPlan& plan, const std::vector<Row>& rows) {
  Search search(plan, rows);
  const std::vector<Axis>& axes = plan.sweep().axes;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    for (const Resource& resource : resources())
      if (axes[axis].keys == std::vector<std::string>{resource.key}) search.along(axis, resource);
  }
  std::stable_sort(search.found.begin(), search.found.end(),
                   [](const MoreIsWorse& a, const MoreIsWorse& b) { return a.richer < b.richer; });
  return search.found;
}

}  // namespace shiftsim::sim
