// LOAD, STORE and the DMA together in time, in runs of cycles in which nobody outside sees a change.
#pragma once

#include <array>
#include <cstdint>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/cmd_fifo.h"
#include "sim/core/commands.h"
#include "sim/core/core_counters.h"
#include "sim/core/tokens.h"
#include "sim/transaction/dma_timing.h"
#include "sim/transaction/load_timing.h"
#include "sim/transaction/observer.h"
#include "sim/transaction/store_timing.h"

namespace shiftsim::sim {

class MemorySide {
public:
  /// All references must outlive this object.
  MemorySide(const qnet::Network& network, const Program& program, const DramConfig& dram, Tokens& tokens,
             CoreCounters& counters)
      : load_(program.geometry, tokens), store_(program.geometry, tokens), dma_(network, program, dram, counters) {}

  void observe(TransactionObserver* observer) {
    load_.observe(observer);
    store_.observe(observer);
    dma_.observe(observer);
  }

  bool can_take_load() const { return load_.can_take(); }
  bool can_take_store() const { return store_.can_take(); }
  void push(const Queued<LoadCommand>& command) { load_.push(command); }
  void push(const Queued<StoreCommand>& command) { store_.push(command); }

  bool load_idle() const { return load_.idle(); }
  bool store_idle() const { return store_.idle(); }
  bool dma_idle() const { return dma_.idle(); }
  bool waits_for_barrier() const { return load_.state() == LdState::kWaitBarrier; }

  /// Runs up to 'limit' cycles, fewer where the next clock edge takes or gives a token or a command, or where the last
  /// write is done. Returns how many.
  /// Tokens and commands must not change meanwhile.
  std::int64_t advance(std::int64_t limit);
  /// Runs one cycle, whatever it does.
  void clock();
  /// What is left over from one batch to the next, if all is idle: by level, whether its last grant was a write.
  std::array<bool, kMemoryLevels> last_grant_write() const { return dma_.last_grant_write(); }

private:
  bool takes_word() const { return load_.receives() && dma_.offers_word(); }
  bool sends_word() const { return store_.offers_word() && dma_.takes_word(); }
  bool changes_tokens_or_queues(bool read_request) const;
  void advance_writes();
  std::int64_t advance_reads(std::int64_t limit);

  LoadTiming load_;
  StoreTiming store_;
  DmaTiming dma_;
  std::int64_t cycle_ = 0;
};

}  // namespace shiftsim::sim
