#include "quantizer/plan/joined_tensors.h"

#include <algorithm>
#include <numeric>

#include "common/index.h"

namespace shiftsim::quantizer {

namespace {

/// What a group of joined tensors has in common.
struct Group {
  int makers = 0;  ///< layers that give a tensor of the group its scale
  int bits = 2;
  bool some_signed = false;
};

/// The range of what hands codes on. Its clamps are those of its sources.
void hand_on_range(Plan& plan, const PlannedLayer& layer) {
  ActivationRange& range = plan.tensors[index(layer.output)].range;
  const ActivationRange& input = plan.tensor(layer.input).range;
  if (!layer.is_view()) {
    range = input;
    // Only a view has other widths.
    range.bits = input.bits <= 2 ? 2 : input.bits <= 4 ? 4 : 8;
    return;
  }
  range = {2, false, {}};
  for (const int source : {layer.input, layer.residual}) {
    if (source < 0) continue;
    const ActivationRange& from = plan.tensor(source).range;
    range.is_signed = range.is_signed || from.is_signed;
  }
  for (const int source : {layer.input, layer.residual}) {
    if (source < 0) continue;
    const ActivationRange& from = plan.tensor(source).range;
    range.bits = std::max(range.bits, from.bits + (range.is_signed && !from.is_signed ? 1 : 0));
  }
}

}  // namespace

std::vector<int> scale_leaders(const Plan& plan) {
  std::vector<int> leader(plan.tensors.size());
  std::iota(leader.begin(), leader.end(), 0);
  const auto find = [&](int tensor) {
    while (leader[index(tensor)] != tensor) tensor = leader[index(tensor)];
    return tensor;
  };
  for (const PlannedLayer& layer : plan.layers) {
    if (layer.requantizes()) continue;
    for (const int source : {layer.input, layer.residual}) {
      if (source < 0) continue;
      const auto [low, high] = std::minmax({find(source), find(layer.output)});
      leader[index(high)] = low;
    }
  }
  for (std::size_t t = 0; t < leader.size(); ++t) leader[t] = find(static_cast<int>(t));
  return leader;
}

void join_ranges(Plan& plan) {
  const std::vector<int> leaders = scale_leaders(plan);
  std::vector<Group> groups(plan.tensors.size());
  const auto group_of = [&](int tensor) -> Group& { return groups[index(leaders[index(tensor)])]; };
  for (const PlannedLayer& layer : plan.layers) {
    if (!plan.has_scale(layer)) continue;
    Group& group = group_of(layer.output);
    const ActivationRange& range = plan.tensor(layer.output).range;
    ++group.makers;
    group.bits = std::max(group.bits, range.bits);
    group.some_signed = group.some_signed || range.is_signed;
  }
  for (const PlannedLayer& layer : plan.layers) {
    PlannedTensor& output = plan.tensors[index(layer.output)];
    const Group& group = group_of(layer.output);
    if (plan.has_scale(layer) && group.makers > 1) {
      output.is_joined = true;
      output.range.bits = group.bits;
      output.range.is_signed = output.range.is_signed || (group.some_signed && group.bits == 8);
    }
    if (!layer.requantizes()) hand_on_range(plan, layer);
  }
}

}  // namespace shiftsim::quantizer
