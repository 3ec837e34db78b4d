#include "quantizer/learn/learned_steps.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace shiftsim::quantizer {

LearnedSteps::LearnedSteps(const QuantizedNetwork& network, int tensor, bool free_scales)
    : tensor_(tensor), free_scales_(free_scales) {
  const std::vector<double> steps = network.steps(tensor);
  log_step_.resize(steps.size());
  for (std::size_t c = 0; c < steps.size(); ++c) log_step_.value[c] = static_cast<float>(std::log2(steps[c]));
}

std::vector<double> LearnedSteps::steps() const {
  std::vector<double> steps;
  for (const float value : log_step_.value) {
    const auto log = static_cast<double>(value);
    steps.push_back(std::exp2(free_scales_ ? log : std::round(log)));
  }
  return steps;
}

void LearnedSteps::learn(const UnitModel& model, double rate, int step) {
  const std::size_t count = log_step_.value.size();
  const std::vector<double> now = steps();
  std::fill(log_step_.gradient.begin(), log_step_.gradient.end(), 0.0f);
  for (std::size_t slot = 0; slot < model.slots(); ++slot) {
    const std::span<const float> gradient = model.step_gradient(slot, tensor_);
    for (std::size_t c = 0; c < gradient.size(); ++c) log_step_.gradient[count == 1 ? 0 : c] += gradient[c];
  }
  for (std::size_t c = 0; c < count; ++c) log_step_.gradient[c] *= static_cast<float>(now[c] * std::log(2.0));
  log_step_.adam(0, count, rate, step);
}

}  // namespace shiftsim::quantizer
