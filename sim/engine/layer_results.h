// From what a machine counted to what a report shows, whichever engine counted.
#pragma once

#include <cstdint>
#include <vector>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/counters/causes.h"
#include "sim/counters/events.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// What a machine counted, by layer.
struct MachineCounts {
  std::vector<Events> events;
  std::vector<CauseCycles> causes;
};

/// The layers, the cycles and the DRAM map of a run of 'images' images.
RunResult machine_result(const qnet::Network& network, const Program& program, std::int64_t images,
                         const MachineCounts& counts);

}  // namespace shiftsim::sim
