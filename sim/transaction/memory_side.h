// LOAD, STORE, DMA and DRAM in time: what LoadUnit, StoreUnit, Dma and LatencyBandwidthDram do cycle by cycle, without
// values, and in runs of cycles in which nobody outside sees a change.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/cmd_fifo.h"
#include "sim/core/commands.h"
#include "sim/core/core_counters.h"
#include "sim/core/tokens.h"
#include "sim/memory/store_words.h"
#include "sim/transaction/observer.h"
#include "sim/transaction/word_needs.h"

namespace shiftsim::sim {

class MemorySide {
public:
  /// All references must outlive this object.
  MemorySide(const qnet::Network& network, const Program& program, const DramConfig& dram, Tokens& tokens,
             CoreCounters& counters);

  void observe(TransactionObserver* observer) { observer_ = observer; }

  bool can_take_load() const { return !loads_.full(); }
  bool can_take_store() const { return !stores_.full(); }
  void push(const Queued<LoadCommand>& command) { loads_.push(command); }
  void push(const Queued<StoreCommand>& command) { stores_.push(command); }

  bool load_idle() const { return loads_.empty() && pending_.empty() && receive_ == Receive::kIdle; }
  bool store_idle() const { return send_ == Send::kIdle && stores_.empty(); }
  bool dma_idle() const { return request_count_ == 0 && !store_ && to_write() == 0; }
  bool waits_for_barrier() const { return load_state() == LdState::kWaitBarrier; }

  /// Runs up to 'limit' cycles, fewer where the next clock edge takes or gives a token or a command, or where the last
  /// write is done. Returns how many.
  /// Tokens and commands must not change meanwhile.
  std::int64_t advance(std::int64_t limit);
  /// Runs one cycle, whatever it does.
  void clock();
  /// What is left over from one batch to the next, if all is idle: by level, whether its last grant was a write.
  std::array<bool, kMemoryLevels> last_grant_write() const {
    return {channels_[0].last_grant_write, channels_[1].last_grant_write};
  }

private:
  enum class Receive { kIdle, kInit, kData };
  enum class Send { kIdle, kRead, kSend };
  /// A read under way, as in the DMA.
  struct Request {
    WordNeeds words;
    std::int64_t first_data = 0;  ///< cycle
    std::int64_t write_mark = 0;  ///< bytes that must have been written to its level before
    std::int64_t fetched = 0, total = 0, consumed = 0;
    MemoryLevel level = MemoryLevel::kDram;
    bool has_copy = false;    ///< what is fetched goes into the second-level buffer, too
    std::int64_t copied = 0;  ///< bytes
    bool copies() const { return has_copy && copied < total; }
    // For the observer.
    std::int64_t accepted_at = 0, fetched_from = 0, fetched_to = 0;  ///< cycles
    int layer = 0;
  };
  /// A level of memory.
  struct Channel {
    int bytes_per_cycle = 1, latency_cycles = 1;
    std::int64_t accepted = 0;  ///< bytes of bursts handed over
    std::int64_t to_write = 0;  ///< of them not yet written
    bool last_grant_write = false;
    std::int64_t writes_from = 0, writes_bytes = 0;  ///< since there was nothing to write; for the observer
  };
  using OpenBurst = std::optional<std::uint64_t>;
  struct Store {
    StoreWords words;
    MemoryLevel level = MemoryLevel::kDram;
    std::array<OpenBurst, StoreWords::kBlocks> open{};
  };
  static constexpr std::size_t kMaxRequests = 4;
  /// What passes between the core and the DMA in a cycle.
  struct Handshakes {
    bool word_taken = false, word_sent = false;
    const LoadCommand* load = nullptr;    ///< whose read is accepted
    const StoreCommand* store = nullptr;  ///< whose write is accepted
  };

  LdState load_state() const;
  bool requests_read() const { return load_state() == LdState::kRequest; }
  bool requests_store() const;
  bool takes_word() const { return word_offered_ && receive_ == Receive::kData; }
  bool sends_word() const;
  bool changes_tokens_or_queues(bool read_request) const;
  std::int64_t walk_cycles(std::int64_t limit) const {
    return receive_ == Receive::kInit && walk_left_ < limit ? walk_left_ : limit;
  }
  void walk(std::int64_t cycles);
  std::int64_t advance_idle(std::int64_t limit);
  std::int64_t advance_reads(std::int64_t limit);

  Channel& channel(MemoryLevel level) { return channels_[static_cast<std::size_t>(level)]; }
  std::int64_t to_write() const { return channels_[0].to_write + channels_[1].to_write; }
  Request& request(std::size_t i) { return requests_[(first_request_ + i) % kMaxRequests]; }
  Request* reader(std::int64_t& buffered);
  void grant(Channel& channel, Request* fetching);
  void clock_load(bool word_taken, bool read_accepted);
  void clock_store(bool accepted, bool word_sent);
  void clock_dma(const Handshakes& now);
  void accept(const LoadCommand& load);
  void write_word();
  void close(OpenBurst& open);
  void transfer();
  void fetch(Request& request, std::int64_t cycles);
  void copy_fetched(Request& request);
  /// Whether a read under way has something to copy.
  bool copies();
  void add_to_write(Channel& channel, std::int64_t bytes);
  void offer_word();

  const qnet::Network& network_;
  const Program& program_;
  DramConfig config_;
  Tokens& tokens_;
  CoreCounters& counters_;
  std::int64_t buffer_bytes_ = 0;
  std::int64_t cycle_ = 0;

  TransactionObserver* observer_ = nullptr;

  // LOAD
  CmdFifo<LoadCommand> loads_, pending_;
  Receive receive_ = Receive::kIdle;
  const LoadCommand* load_ = nullptr;  ///< whose words are received
  std::int64_t walk_left_ = 0;
  std::int64_t load_from_ = 0;  ///< cycle
  int load_layer_ = 0;

  // STORE
  CmdFifo<StoreCommand> stores_;
  Send send_ = Send::kIdle;
  const StoreCommand* sent_ = nullptr;  ///< whose words are sent
  std::int64_t words_left_ = 0;
  std::int64_t store_from_ = 0;  ///< cycle
  int store_layer_ = 0;

  // DMA
  std::array<Request, kMaxRequests> requests_;
  std::size_t first_request_ = 0, request_count_ = 0;
  bool word_offered_ = false;
  std::optional<Store> store_;

  // DRAM and second-level buffer
  std::array<Channel, kMemoryLevels> channels_;
  bool has_l2_ = false;
};

}  // namespace shiftsim::sim
