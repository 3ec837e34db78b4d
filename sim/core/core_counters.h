// What the core counts, layer by layer.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/counters/causes.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

struct CoreCounters {
  std::vector<Events> events;
  std::vector<CauseCycles> causes;

  explicit CoreCounters(int layers)
      : events(static_cast<std::size_t>(layers)), causes(static_cast<std::size_t>(layers)) {}
  Events& of(int layer) { return events[static_cast<std::size_t>(layer)]; }
};

}  // namespace shiftsim::sim
