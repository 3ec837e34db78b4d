#include "quantizer/plan/units.h"

#include <algorithm>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

struct Range {
  int first = 0, last = 0;
};

const PlannedLayer& layer_at(const Plan& plan, int index) {
  return plan.layers[static_cast<std::size_t>(index)];
}

/// The finest ranges whose only way out is one tensor.
std::vector<Range> regions(const Plan& plan) {
  const int count = static_cast<int>(plan.layers.size());
  std::vector<int> last_reader(plan.tensors.size(), -1);
  for (int i = 0; i < count; ++i)
    for (const int tensor : {layer_at(plan, i).input, layer_at(plan, i).residual})
      if (tensor >= 0) last_reader[static_cast<std::size_t>(tensor)] = i;
  std::vector<Range> result;
  int first = 0, needed_until = last_reader[0];  // the last layer that reads something other than what the layer makes
  for (int i = 0; i < count; ++i) {
    if (i > 0)
      needed_until = std::max(needed_until, last_reader[static_cast<std::size_t>(layer_at(plan, i - 1).output)]);
    if (needed_until > i) continue;
    result.push_back({first, i});
    first = i + 1;
  }
  return result;
}

/// One layer, with the function behind it or without.
bool is_single(const Plan& plan, const Range& range) {
  return range.first == range.last || (range.first + 1 == range.last && layer_at(plan, range.last).function);
}

/// A function goes with what it is a function of, where that is the layer before.
std::vector<Range> with_functions(const Plan& plan, const std::vector<Range>& found) {
  std::vector<Range> result;
  for (const Range& range : found) {
    const PlannedLayer& first = layer_at(plan, range.first);
    const bool follows = first.function && !result.empty() && layer_at(plan, result.back().last).output == first.input;
    if (follows && range.first == range.last)
      result.back().last = range.last;
    else
      result.push_back(range);
  }
  return result;
}

bool is_pointwise(const PlannedLayer& layer) {
  return layer.has_weights() && layer.geometry.groups == 1 && layer.geometry.window.taps() == 1;
}

/// Joins single layers to blocks and pools to their neighbours.
std::vector<Range> blocks(const Plan& plan, const std::vector<Range>& found) {
  std::vector<Range> result;
  const auto single = [&](std::size_t i, auto is) {
    return i < found.size() && is_single(plan, found[i]) && is(layer_at(plan, found[i].first));
  };
  const auto is_unweighted = [&](std::size_t i, bool requantizes) {
    return single(
        i, [&](const PlannedLayer& layer) { return !layer.has_weights() && layer.requantizes() == requantizes; });
  };
  const auto depthwise = [](const PlannedLayer& layer) { return layer.geometry.is_depthwise(); };
  for (std::size_t i = 0; i < found.size(); ++i) {
    Range range = found[i];
    if (is_unweighted(i, false) && !result.empty()) {
      result.back().last = range.last;
      continue;
    }
    const auto linear = [&](std::size_t at) {
      return single(at, [&](const PlannedLayer& layer) {
        return is_pointwise(layer) && layer.activation == qnet::Activation::kNone && found[at].first == found[at].last;
      });
    };
    if (single(i, is_pointwise) && single(i + 1, depthwise) && linear(i + 2)) {
      i += 2;
    } else if ((single(i, depthwise) && single(i + 1, is_pointwise)) ||
               (is_unweighted(i, true) && i + 1 < found.size())) {
      i += 1;
    }
    range.last = found[i].last;
    result.push_back(range);
  }
  return result;
}

Unit make_unit(const Plan& plan, const Range& range) {
  Unit unit;
  unit.first = range.first;
  unit.last = range.last;
  unit.output = layer_at(plan, range.last).output;
  std::vector<int> made;
  for (int i = range.first; i <= range.last; ++i) {
    const PlannedLayer& layer = layer_at(plan, i);
    for (const int tensor : {layer.input, layer.residual}) {
      if (tensor < 0 || std::find(made.begin(), made.end(), tensor) != made.end()) continue;
      if (std::find(unit.inputs.begin(), unit.inputs.end(), tensor) == unit.inputs.end()) unit.inputs.push_back(tensor);
    }
    made.push_back(layer.output);
  }
  unit.name = layer_at(plan, range.first).name;
  if (range.first != range.last) unit.name += " .. " + layer_at(plan, range.last).name;
  return unit;
}

}  // namespace

std::vector<Unit> partition(const Plan& plan, Granularity granularity) {
  std::vector<Range> ranges;
  if (granularity == Granularity::kNetwork) {
    ranges.push_back({0, static_cast<int>(plan.layers.size()) - 1});
  } else if (granularity == Granularity::kLayer) {
    for (int i = 0; i < static_cast<int>(plan.layers.size()); ++i) ranges.push_back({i, i});
  } else {
    ranges = blocks(plan, with_functions(plan, regions(plan)));
    if (granularity == Granularity::kPair) {
      // The stem stands alone: it has its own bits.
      std::vector<Range> pairs(ranges.begin(), ranges.begin() + 1);
      for (std::size_t i = 1; i < ranges.size(); i += 2)
        pairs.push_back({ranges[i].first, ranges[std::min(i + 1, ranges.size() - 1)].last});
      ranges = std::move(pairs);
    }
  }
  std::vector<Unit> units;
  units.reserve(ranges.size());
  for (const Range& range : ranges) units.push_back(make_unit(plan, range));
  SHIFTSIM_CHECK(!units.empty() && units.back().last + 1 == static_cast<int>(plan.layers.size()), "units do not cover");
  return units;
}

}  // namespace shiftsim::quantizer
