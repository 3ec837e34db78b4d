#include "sim/compiler/cost.h"

#include <algorithm>

namespace shiftsim::sim {

Cost cost(const Workload& workload, const DramConfig& dram) {
  const auto bytes = static_cast<double>(workload.dram_bytes());
  const double array = workload.lead_cycles + workload.compute_cycles + workload.tail_cycles;
  const double load_unit = workload.load_cycles + workload.tail_cycles;
  const double channel = bytes / static_cast<double>(dram.bytes_per_cycle);
  return {dram.latency_cycles + std::max({array, load_unit, channel}), bytes};
}

}  // namespace shiftsim::sim
