// A level of memory in time: what LatencyBandwidthDram does cycle by cycle.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/counters/events.h"
#include "sim/transaction/observer.h"

namespace shiftsim::sim {

/// One channel, which reads and writes share.
class ChannelTiming {
public:
  /// 'bytes_per_cycle': of a read or of writes; 'latency_cycles': from a read's request to its first data.
  ChannelTiming(MemoryLevel level, int bytes_per_cycle, int latency_cycles)
      : level_(level), bytes_per_cycle_(bytes_per_cycle), latency_cycles_(latency_cycles) {}

  void observe(TransactionObserver* observer) { observer_ = observer; }

  int bytes_per_cycle() const { return bytes_per_cycle_; }
  int latency_cycles() const { return latency_cycles_; }
  /// Bytes of the bursts that were handed over to be written, from the first on.
  std::int64_t accepted() const { return accepted_; }
  /// Bytes of them that wait.
  std::int64_t to_write() const { return to_write_; }
  std::int64_t written() const { return accepted_ - to_write_; }
  /// Whether the last cycle was for writes.
  bool last_grant_write() const { return last_grant_write_; }

  /// Hands over bursts, whole ones.
  void write(std::int64_t bytes, std::int64_t cycle) {
    if (to_write_ == 0) {
      writes_from_ = cycle;
      writes_bytes_ = 0;
    }
    writes_bytes_ += bytes;
    accepted_ += bytes;
    to_write_ += bytes;
  }
  /// Runs one cycle: for a read or for writes, in turn where both want it. Returns whether it is for the read.
  bool clock(bool read, std::int64_t cycle) {
    last_grant_write_ = to_write_ > 0 && (!read || !last_grant_write_);
    if (!last_grant_write_) return read;
    to_write_ -= std::min<std::int64_t>(to_write_, bytes_per_cycle_);
    if (to_write_ == 0 && observer_ != nullptr) observer_->on_write(writes_from_, cycle + 1, level_, writes_bytes_);
    return false;
  }
  /// Runs cycles, at least one, in which nothing waits to be written.
  void advance() { last_grant_write_ = false; }

private:
  MemoryLevel level_;
  int bytes_per_cycle_, latency_cycles_;
  TransactionObserver* observer_ = nullptr;
  std::int64_t accepted_ = 0, to_write_ = 0;
  bool last_grant_write_ = false;
  // Since there was nothing to write; for the observer.
  std::int64_t writes_from_ = 0, writes_bytes_ = 0;
};

}  // namespace shiftsim::sim
