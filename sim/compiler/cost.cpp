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
  const auto channel = [&](const Transfers& t) { return t.count * t.dram_bytes / bandwidth; };
  const auto bytes = [](const Transfers& t) { return t.count * t.dram_bytes; };
  const Transfers &act = workload.activations, &weights = workload.weights, &residuals = workload.residuals,
                  &stores = workload.stores;

  const double port_cycles = port(act) + port(weights) + port(residuals);
  // Residuals and stores come and go a word a cycle, and hold the channel as long.
  const double dram_cycles = channel(act) + channel(weights) + port(stores) + port(residuals);
  // The first load, and the last tile's drain and store, overlap with nothing.
  const double lead = dram.latency_cycles + alone(act) + alone(residuals);
  const double tail = workload.drain_cycles + alone(stores);
  return {std::max({workload.compute_cycles, port_cycles, dram_cycles}) + lead + tail,
          bytes(act) + bytes(weights) + bytes(residuals) + bytes(stores)};
}

}  // namespace shiftsim::sim
