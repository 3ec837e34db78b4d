#include "sim/compiler/cost.h"

#include <algorithm>

namespace shiftsim::sim {

Cost cost(const Workload& workload, const AcceleratorConfig& accelerator) {
  const Events& events = workload.events;
  const auto dram_bytes = static_cast<double>(events.dram_read_bytes + events.dram_write_bytes);
  const auto l2_bytes = static_cast<double>(events.l2_read_bytes + events.l2_write_bytes);
  const double array = workload.lead_cycles + workload.compute_cycles + workload.tail_cycles;
  const double load_unit = workload.load_cycles + workload.tail_cycles;
  const double channels =
      std::max(dram_bytes / accelerator.dram.bytes_per_cycle, l2_bytes / accelerator.l2.bytes_per_cycle);
  return {accelerator.dram.latency_cycles + std::max({array, load_unit, channels}), dram_bytes};
}

}  // namespace shiftsim::sim
