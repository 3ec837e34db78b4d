// The DMA with DRAM and the second-level buffer in time: what Dma and LatencyBandwidthDram do cycle by cycle, without
// values, and in runs of cycles of reads alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/commands.h"
#include "sim/core/core_counters.h"
#include "sim/transaction/burst_gather.h"
#include "sim/transaction/channel_timing.h"
#include "sim/transaction/observer.h"
#include "sim/transaction/read_queue.h"

namespace shiftsim::sim {

class DmaTiming {
public:
  /// What passes between the core and the DMA in a cycle.
  struct Handshakes {
    bool word_taken = false, word_sent = false;
    const LoadCommand* load = nullptr;    ///< whose read is accepted
    const StoreCommand* store = nullptr;  ///< whose write is accepted
  };

  /// All references must outlive this object.
  DmaTiming(const qnet::Network& network, const Program& program, const DramConfig& dram, CoreCounters& counters);

  void observe(TransactionObserver* observer) {
    observer_ = observer;
    for (ChannelTiming& one : channels_) one.observe(observer);
  }

  bool idle() const { return reads_.empty() && !store_ && to_write() == 0; }
  bool reads() const { return !reads_.empty(); }
  /// Whether something is stored or copied, or waits to be written.
  bool writes() const { return store_ || to_write() > 0 || reads_.copies(); }
  bool accepts_read() const { return !reads_.full(); }
  bool accepts_store() const { return !store_; }
  bool offers_word() const { return reads_.offers_word(); }
  bool offers_last_word() const { return reads_.offers_last_word(); }
  /// Whether there is room for what a word of the store may fill.
  bool takes_word() const { return store_ && to_write() + 2 * std::int64_t{burst_bytes_} <= buffer_bytes_; }
  /// By level, whether its last grant was a write.
  std::array<bool, kMemoryLevels> last_grant_write() const {
    return {channels_[0].last_grant_write(), channels_[1].last_grant_write()};
  }

  /// Runs up to 'limit' cycles from 'cycle' on: those in which the same read is fetched at the same pace and the words
  /// taken need the same, and none is a read's last. Returns how many. Something must be read, and nothing written.
  /// 'receives': words are taken.
  std::int64_t advance_reads(std::int64_t limit, bool receives, std::int64_t cycle);
  /// Runs one cycle, whatever it does.
  void clock(const Handshakes& now, std::int64_t cycle);

private:
  ChannelTiming& channel(MemoryLevel level) { return channels_[static_cast<std::size_t>(level)]; }
  const ChannelTiming& channel(MemoryLevel level) const { return channels_[static_cast<std::size_t>(level)]; }
  std::int64_t to_write() const { return channels_[0].to_write() + channels_[1].to_write(); }
  void accept(const LoadCommand& load, std::int64_t cycle);
  void accept(const StoreCommand& store);
  void hand_over_word(std::int64_t cycle);
  void gather_word(std::int64_t cycle);
  bool may_read(const TimedRead& read, std::int64_t buffered, std::int64_t cycle) const;
  void transfer(std::int64_t cycle);
  void copy_fetched(TimedRead& read, std::int64_t cycle);

  const qnet::Network& network_;
  const Program& program_;
  CoreCounters& counters_;
  TransactionObserver* observer_ = nullptr;
  int burst_bytes_;
  std::int64_t buffer_bytes_;  ///< of the buffer for reads, and of the one for writes
  bool has_l2_;
  std::array<ChannelTiming, kMemoryLevels> channels_;
  ReadQueue reads_;
  std::optional<BurstGather> store_;
};

}  // namespace shiftsim::sim
