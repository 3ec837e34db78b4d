#include "sim/compiler/cost.h"

#include <algorithm>

namespace shiftsim::sim {

Cost cost(const Workload& workload, const DramConfig& dram) {
  const double bandwidth = dram.bytes_per_cycle;
  // Cycles of one transfer that nothing else delays.
  const auto alone = [&](const Transfers& t) {
    return std::max(t.words, t.dram_bytes / bandwidth) + t.overhead_cycles;
  };
  const auto port = [&](const Transfers& t) { return t.count * alone(t); };
  const auto bytes = [](const Transfers& t) { return t.count * t.dram_bytes; };
  const Transfers &act = workload.activations, &weights = workload.weights, &tables = workload.tables,
                  &residuals = workload.residuals, &stores = workload.stores;

  const double dram_bytes = bytes(act) + bytes(weights) + bytes(tables) + bytes(residuals) + bytes(stores);
  const double port_cycles = port(act) + port(weights) + port(tables) + port(residuals);
  // The first load, and the last tile's drain and store, overlap with nothing.
  const double lead = dram.latency_cycles + alone(act) + alone(residuals);
  const double tail = workload.drain_cycles + alone(stores);
  return {std::max({workload.compute_cycles, port_cycles, dram_bytes / bandwidth}) + lead + tail, dram_bytes};
}

}  // namespace shiftsim::sim
