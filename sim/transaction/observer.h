// What the transaction machine tells whoever looks on: which unit does what, from which cycle on, for how long.
#pragma once

#include <cstdint>

#include "sim/core/commands.h"
#include "sim/counters/causes.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

class TransactionObserver {
public:
  virtual ~TransactionObserver() = default;

  /// COMPUTE: 'cycles' of one cause. 'command': at work, or the last one that was; null before the first.
  virtual void on_compute(std::int64_t from, std::int64_t cycles, Cause cause, int layer,
                          const ComputeCommand* command) = 0;
  /// The PPU works off what a command has captured.
  virtual void on_ppu(std::int64_t from, std::int64_t cycles, int layer, const ComputeCommand& command) = 0;
  /// The load unit receives a load's words, the slots' walk in front.
  virtual void on_load(std::int64_t from, std::int64_t to, int layer, const LoadCommand& command) = 0;
  /// The store unit sends a store's words.
  virtual void on_store(std::int64_t from, std::int64_t to, int layer, const StoreCommand& command) = 0;
  /// A read of the DMA, from its request to its last word. 'fetch_from', 'fetch_to': when its bytes came; equal where
  /// there were none.
  virtual void on_read(std::int64_t from, std::int64_t to, std::int64_t fetch_from, std::int64_t fetch_to,
                       MemoryLevel level, std::int64_t bytes, int layer, Target target) = 0;
  /// Bursts of a store on their way to memory, without a pause in which none was left to write.
  virtual void on_write(std::int64_t from, std::int64_t to, MemoryLevel level, std::int64_t bytes) = 0;

protected:
  TransactionObserver() = default;
  TransactionObserver(const TransactionObserver&) = default;
  TransactionObserver& operator=(const TransactionObserver&) = default;
};

}  // namespace shiftsim::sim
