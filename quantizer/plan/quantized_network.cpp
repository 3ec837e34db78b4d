#include "quantizer/plan/quantized_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace shiftsim::quantizer {

std::vector<float> QuantizedLayer::weights() const {
  std::vector<float> result(integer_weights.size());
  const std::size_t fan = quantizers.empty() ? 1 : integer_weights.size() / quantizers.size();
  for (std::size_t i = 0; i < integer_weights.size(); ++i)
    result[i] = static_cast<float>(quantizers[i / fan].value(integer_weights[i]));
  return result;
}

std::vector<double> QuantizedNetwork::steps(int tensor) const {
  const auto index = static_cast<std::size_t>(tensor);
  std::vector<double> result;
  for (std::size_t c = 0; c < exponents[index].size(); ++c)
    result.push_back(std::ldexp(mantissas[index].empty() ? 1.0 : mantissas[index][c], exponents[index][c]));
  return result;
}

void QuantizedNetwork::set_steps(int tensor, const std::vector<double>& steps) {
  const auto index = static_cast<std::size_t>(tensor);
  exponents[index].clear();
  mantissas[index].clear();
  for (const double step : steps) {
    exponents[index].push_back(std::ilogb(step));
    mantissas[index].push_back(std::ldexp(step, -exponents[index].back()));
  }
  if (std::all_of(mantissas[index].begin(), mantissas[index].end(), [](double m) { return m == 1; }))
    mantissas[index].clear();
  // Max pools and views hand codes on; what a view joins has one step.
  for (const PlannedLayer& layer : plan->layers)
    if (!layer.requantizes() && layer.input == tensor) set_steps(layer.output, steps);
}

QuantizedNetwork undecided(Plan plan) {
  QuantizedNetwork network;
  network.layers.resize(plan.layers.size());
  network.statistics.resize(plan.layers.size());
  network.exponents.resize(plan.tensors.size());
  network.mantissas.resize(plan.tensors.size());
  network.searched_exponents.resize(plan.tensors.size());
  network.exponents[0] = {0};
  network.plan = std::make_shared<const Plan>(std::move(plan));
  return network;
}

}  // namespace shiftsim::quantizer
