#include "sim/memory/dram_model.h"

#include "sim/memory/latency_bandwidth_dram.h"

namespace shiftsim::sim {

std::unique_ptr<DramModel> make_dram_model(const DramConfig& config) {
  return std::make_unique<LatencyBandwidthDram>(config);
}

}  // namespace shiftsim::sim
