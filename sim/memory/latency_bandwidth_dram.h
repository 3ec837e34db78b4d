// DRAM as a latency and a bandwidth: one channel that reads and writes share.
#pragma once

#include <cstdint>
#include <deque>

#include "sim/config/config.h"
#include "sim/memory/dram_model.h"

namespace shiftsim::sim {

/// A read's first data comes 'latency_cycles' after the request; latencies of several requests overlap. The channel
/// moves up to 'bytes_per_cycle', for a read or for writes, in turn where both want it. Addresses make no difference
/// here.
class LatencyBandwidthDram : public DramModel {
public:
  explicit LatencyBandwidthDram(const DramConfig& config) : config_(config) {}

  std::int64_t read(const std::vector<BurstRun>& runs, int layer, std::int64_t cycle) override;
  void write(const BurstRun& run, int layer, std::int64_t cycle) override;
  DramGrant clock(std::int64_t cycle, bool may_read) override;

private:
  struct Read {
    std::int64_t bytes_left = 0;
    std::int64_t first_data = 0;  ///< cycle
  };

  DramConfig config_;
  std::deque<Read> reads_;
  std::int64_t to_write_ = 0;  ///< bytes
  bool last_grant_write_ = false;
};

}  // namespace shiftsim::sim
