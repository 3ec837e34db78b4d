#include "quantizer/calibrate/joined_scales.h"

#include <map>

#include "common/error.h"
#include "quantizer/plan/joined_tensors.h"

namespace shiftsim::quantizer {

int decide_joined_exponents(Plan& plan, const std::vector<TensorSample>& samples, double norm, ThreadPool& workers) {
  SHIFTSIM_CHECK(samples.size() == plan.tensors.size(), "{} samples of {} tensors", samples.size(),
                 plan.tensors.size());
  const std::vector<int> leaders = scale_leaders(plan);
  struct Group {
    TensorSample values;
    ActivationRange range;
    std::vector<std::size_t> members;
  };
  std::map<int, Group> groups;
  for (std::size_t t = 0; t < plan.tensors.size(); ++t) {
    if (!plan.tensors[t].is_joined) continue;
    Group& group = groups[leaders[t]];
    group.values.insert(group.values.end(), samples[t].begin(), samples[t].end());
    group.members.push_back(t);
    const ActivationRange& range = plan.tensors[t].range;
    group.range.bits = range.bits;
    group.range.is_signed = group.range.is_signed || range.is_signed;
  }
  for (const auto& [leader, group] : groups) {
    const Histogram histogram({group.values, 1, 1}, workers);
    const int exponent = search_activation_exponent(histogram, group.range, norm);
    for (const std::size_t member : group.members) plan.tensors[member].exponent = exponent;
  }
  return static_cast<int>(groups.size());
}

}  // namespace shiftsim::quantizer
