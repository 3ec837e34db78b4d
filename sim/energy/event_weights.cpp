#include "sim/energy/event_weights.h"

#include "sim/energy/energy.h"

namespace shiftsim::sim {

EventWeights::EventWeights(const AcceleratorConfig& config, const Technology& technology) {
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    Events one;
    one.*kEventFields[i].member = 1;
    weights_[i] = energy(one, config, technology).total();
  }
}

double EventWeights::pj(const Events& events) const {
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i)
    sum += weights_[i] * static_cast<double>(events.*kEventFields[i].member);
  return sum;
}

}  // namespace shiftsim::sim
