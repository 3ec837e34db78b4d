#include "sim/sweep/axis.h"

#include <limits>

#include <fmt/format.h>

#include "common/yaml.h"
#include "sim/sweep/limits.h"

namespace shiftsim::sim {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kRounding = 1e-9;  ///< of a step, by which sums of decimals may pass the end

/// Twelve digits: 0.1 + 0.2 is 0.3 to whoever wrote the range.
YamlScalar scalar(double value) {
  return {fmt::format("{:.12g}", value), false};
}

std::vector<YamlScalar> range(YamlMap& map, const std::string& key) {
  YamlMap range = map.get_map(key);
  const double from = range.get_number("from", -kLargest, kLargest);
  const double to = range.get_number("to", -kLargest, kLargest);
  if (to < from) range.error("to", fmt::format("found {}, expected 'from' ({}) or more", to, from));
  const bool times = range.has("times"), step = range.has("step");
  if (times == step) map.error(key, "expected one of 'times' and 'step' beside 'from' and 'to'");
  std::vector<YamlScalar> values;
  const auto add = [&](double value) {
    if (values.size() == kMostPoints) map.error(key, fmt::format("more than {} values", kMostPoints));
    values.push_back(scalar(value));
  };
  if (step) {
    const double by = range.get_number("step", -kLargest, kLargest);
    if (by <= 0) range.error("step", fmt::format("found {}, expected more than 0", by));
    for (double count = 0; from + count * by <= to + kRounding * by; ++count) add(from + count * by);
  } else {
    const double by = range.get_number("times", -kLargest, kLargest);
    if (by <= 1) range.error("times", fmt::format("found {}, expected more than 1", by));
    if (from <= 0) range.error("from", fmt::format("found {}, expected more than 0 beside 'times'", from));
    double value = from;
    while (value <= to * (1 + kRounding)) {
      add(value);
      value *= by;
    }
  }
  range.finish();
  return values;
}

}  // namespace

std::vector<YamlScalar> axis_scalars(YamlMap& map, const std::string& key) {
  if (map.is_map(key)) return range(map, key);
  std::vector<YamlScalar> values = map.get_scalars(key);
  if (values.empty()) map.error(key, "found an empty list, expected at least one value");
  return values;
}

}  // namespace shiftsim::sim
