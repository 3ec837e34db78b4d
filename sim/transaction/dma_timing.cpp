#include "sim/transaction/dma_timing.h"

#include <algorithm>

#include "common/error.h"
#include "sim/compiler/read_bursts.h"
#include "sim/memory/read_buffer.h"

namespace shiftsim::sim {

DmaTiming::DmaTiming(const qnet::Network& network, const Program& program, const DramConfig& dram,
                     CoreCounters& counters)
    : network_(network),
      program_(program),
      counters_(counters),
      burst_bytes_(dram.burst_bytes),
      buffer_bytes_(read_buffer_bytes(network, program, dram)),
      has_l2_(program.l2.kib > 0),
      channels_{ChannelTiming(MemoryLevel::kDram, dram.bytes_per_cycle, dram.latency_cycles),
                ChannelTiming(MemoryLevel::kL2, program.l2.bytes_per_cycle, program.l2.latency_cycles)} {}

std::int64_t DmaTiming::advance_reads(std::int64_t limit, bool receives, std::int64_t cycle) {
  TimedRead& front = reads_.front();
  const bool offered = reads_.offers_word(), takes = offered && receives;
  std::int64_t cycles = limit;
  // Taking a word frees what it needed; those after it in the run free nothing more.
  if (takes) {
    front.consume();
    // The last word gives a token.
    cycles = std::min({cycles, front.words.same(), front.words.left() - 1});
  }
  const auto [fetching, buffered] = reads_.fetching();
  const std::int64_t pace = fetching != nullptr ? channel(fetching->level).bytes_per_cycle() : 1;
  std::int64_t grants = 0;  // cycles with a fetch, from the first on
  if (fetching != nullptr && cycle < fetching->first_data) {
    cycles = std::min(cycles, fetching->first_data - cycle);
  } else if (fetching != nullptr && buffered + pace <= buffer_bytes_) {
    const std::int64_t to_end = ceil_div(fetching->total - fetching->fetched, pace);
    cycles = std::min(cycles, to_end);
    grants = std::min(cycles, (buffer_bytes_ - buffered) / pace);
  }
  if (receives && !offered) {
    // Until a word is offered.
    const std::int64_t missing = front.words.need() - front.fetched;
    if (missing <= 0) {
      cycles = std::min(cycles, std::max<std::int64_t>(1, front.first_data - cycle));
    } else if (grants > 0) {
      const std::int64_t until = ceil_div(missing, pace);
      SHIFTSIM_CHECK(fetching == &front && until <= (buffer_bytes_ - buffered) / pace,
                     "a word of {} bytes waits for a full buffer of {}", front.words.need(), buffer_bytes_);
      cycles = std::min(cycles, until);
      grants = cycles;
    }
  }
  if (grants > 0) fetching->fetch(grants * pace, cycle, grants);
  for (ChannelTiming& one : channels_) one.advance();
  if (takes) front.words.advance(cycles);
  if (takes || !offered) reads_.offer_word(cycle + cycles);
  return cycles;
}

void DmaTiming::clock(const Handshakes& now, std::int64_t cycle) {
  if (now.word_taken) hand_over_word(cycle);
  if (now.load != nullptr) accept(*now.load, cycle);
  if (now.store != nullptr)
    accept(*now.store);
  else if (now.word_sent)
    gather_word(cycle);
  transfer(cycle);
  if (now.word_taken || !reads_.offers_word()) reads_.offer_word(cycle + 1);
}

void DmaTiming::accept(const LoadCommand& load, std::int64_t cycle) {
  const ReadProgram& program = program_.reads[load.dma_id];
  TimedRead read;
  read.total = read_bytes(program, network_, program_.dram);
  read.words = WordNeeds(program, load.count, read.total, network_, burst_bytes_);
  read.level = program_.level_of(program);
  const ChannelTiming& from = channel(read.level);
  read.first_data = cycle + from.latency_cycles();
  read.write_mark = from.accepted();
  read.accepted_at = cycle;
  read.fetched_from = cycle;
  read.fetched_to = cycle;
  read.layer = program.layer;
  read.target = load.target;
  read.has_copy = program.copy.has_value();
  add_read(read.level, read.total, burst_bytes_, counters_.of(read.layer));
  reads_.push(read);
}

void DmaTiming::accept(const StoreCommand& store) {
  const WriteProgram& write = program_.writes[store.dma_id];
  store_.emplace(StoreWords(write, store.count, network_, program_), program_.dram.level(write.tensor), burst_bytes_);
}

// The next three are called every cycle by one function each, into which they go.

inline void DmaTiming::hand_over_word(std::int64_t cycle) {
  TimedRead& read = reads_.front();
  read.consume();
  read.words.advance(1);
  if (read.words.left() > 0) return;
  SHIFTSIM_CHECK(read.fetched == read.total, "{} of {} bytes fetched", read.fetched, read.total);
  if (observer_ != nullptr)
    observer_->on_read(read.accepted_at, cycle + 1, read.fetched_from, read.fetched_to, read.level, read.total,
                       read.layer, read.target);
  reads_.pop();
}

/// Bursts that the store's next word closes go to their channel.
inline void DmaTiming::gather_word(std::int64_t cycle) {
  if (const int bursts = store_->add_word(); bursts > 0) {
    const std::int64_t bytes = std::int64_t{bursts} * burst_bytes_;
    channel(store_->level()).write(bytes, cycle);
    add_write(store_->level(), bytes, burst_bytes_, counters_.of(store_->layer()));
  }
  if (store_->done()) store_.reset();
}

inline bool DmaTiming::may_read(const TimedRead& read, std::int64_t buffered, std::int64_t cycle) const {
  const ChannelTiming& from = channel(read.level);
  const bool may_copy = !read.copies() || to_write() + from.bytes_per_cycle() + burst_bytes_ <= buffer_bytes_;
  return from.written() >= read.write_mark && may_copy && buffered + from.bytes_per_cycle() <= buffer_bytes_ &&
         cycle >= read.first_data;
}

/// A cycle of the channels. One read is fetched at a time.
void DmaTiming::transfer(std::int64_t cycle) {
  const ReadQueue::Fetching at = reads_.fetching();
  const bool reads = at.read != nullptr && may_read(*at.read, at.buffered, cycle);
  const bool reads_l2 = reads && at.read->level == MemoryLevel::kL2;
  bool granted = channel(MemoryLevel::kDram).clock(reads && !reads_l2, cycle);
  if (has_l2_) granted |= channel(MemoryLevel::kL2).clock(reads_l2, cycle);
  if (granted) at.read->fetch(channel(at.read->level).bytes_per_cycle(), cycle, 1);
  if (at.read != nullptr && at.read->copies()) copy_fetched(*at.read, cycle);
}

/// Whole bursts of what was fetched. Reads behind the last of them wait for it.
void DmaTiming::copy_fetched(TimedRead& read, std::int64_t cycle) {
  const std::int64_t bytes = (read.fetched - read.copied) / burst_bytes_ * burst_bytes_;
  if (bytes == 0) return;
  ChannelTiming& to = channel(MemoryLevel::kL2);
  to.write(bytes, cycle);
  add_write(MemoryLevel::kL2, bytes, burst_bytes_, counters_.of(read.layer));
  read.copied += bytes;
  if (!read.copies()) reads_.wait_for(MemoryLevel::kL2, to.accepted());
}

}  // namespace shiftsim::sim
