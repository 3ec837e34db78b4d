// Energy is a sum over events: what each event weighs, once for many sums.
#pragma once

#include <array>
#include <iterator>

#include "sim/config/config.h"
#include "sim/counters/events.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {

/// pJ of one event of each kind, DRAM and leakage (by cycles) among them: energy(events).total() without its parts.
class EventWeights {
public:
  EventWeights(const AcceleratorConfig& config, const Technology& technology);

  double pj(const Events& events) const;

private:
  std::array<double, std::size(kEventFields)> weights_{};
};

}  // namespace shiftsim::sim
