// The reads of the DMA under way, in time: what has been fetched of each, and which word is offered to LOAD.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/core/commands.h"
#include "sim/counters/events.h"
#include "sim/transaction/word_needs.h"

namespace shiftsim::sim {

/// A read, from its request to its last word. Counts are in bytes.
struct TimedRead {
  WordNeeds words;              ///< those not yet handed over
  std::int64_t first_data = 0;  ///< cycle
  std::int64_t write_mark = 0;  ///< bytes that must have been written to its level before
  std::int64_t fetched = 0, total = 0, consumed = 0;
  MemoryLevel level = MemoryLevel::kDram;
  bool has_copy = false;  ///< what is fetched goes into the second-level buffer, too
  std::int64_t copied = 0;
  // For the observer.
  std::int64_t accepted_at = 0, fetched_from = 0, fetched_to = 0;  ///< cycles
  int layer = 0;
  Target target = Target::kAct;

  bool copies() const { return has_copy && copied < total; }
  /// 'bytes' come, or what is left of them, in 'cycles' cycles from 'cycle' on.
  void fetch(std::int64_t bytes, std::int64_t cycle, std::int64_t cycles) {
    if (fetched == 0) fetched_from = cycle;
    fetched = std::min(total, fetched + bytes);
    fetched_to = cycle + cycles;
  }
  /// The next word needs its bytes no longer in the buffer.
  void consume() { consumed = words.need(); }
};

/// In the order of their requests: they are fetched one after the other, and so are their words handed over.
class ReadQueue {
public:
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == kMaxReads; }
  /// The oldest read. Not of an empty queue.
  TimedRead& front() { return reads_[first_]; }
  const TimedRead& front() const { return reads_[first_]; }
  /// Not into a full queue.
  void push(const TimedRead& read) {
    ++count_;
    at(count_ - 1) = read;
  }
  void pop() {
    first_ = (first_ + 1) % kMaxReads;
    --count_;
  }

  /// Whether the oldest read's next word is offered.
  bool offers_word() const { return offered_; }
  bool offers_last_word() const { return offered_ && front().words.left() == 1; }
  /// Offers the next word in 'cycle' if its bytes are there.
  void offer_word(std::int64_t cycle) {
    offered_ = !empty() && cycle >= front().first_data && front().fetched >= front().words.need();
  }

  struct Fetching {
    TimedRead* read = nullptr;  ///< the first one with bytes to fetch; null: there is none
    std::int64_t buffered = 0;  ///< bytes that the buffer holds of it and of those before it
  };
  Fetching fetching();
  /// Whether any of them has something to copy.
  bool copies() const;
  /// Reads of 'level' of which nothing has been fetched wait until 'mark' bytes have been written there.
  void wait_for(MemoryLevel level, std::int64_t mark);

private:
  static constexpr std::size_t kMaxReads = 4;

  TimedRead& at(std::size_t i) { return reads_[(first_ + i) % kMaxReads]; }
  const TimedRead& at(std::size_t i) const { return reads_[(first_ + i) % kMaxReads]; }

  std::array<TimedRead, kMaxReads> reads_;
  std::size_t first_ = 0, count_ = 0;
  bool offered_ = false;
};

// Called for every run of cycles by the DMA, which therefore sees their bodies.
inline ReadQueue::Fetching ReadQueue::fetching() {
  Fetching result;
  for (std::size_t i = 0; i < count_; ++i) {
    TimedRead& read = at(i);
    result.buffered += read.fetched - read.consumed;
    if (read.fetched == read.total) continue;
    result.read = &read;
    break;
  }
  return result;
}

inline bool ReadQueue::copies() const {
  for (std::size_t i = 0; i < count_; ++i)
    if (at(i).copies()) return true;
  return false;
}

inline void ReadQueue::wait_for(MemoryLevel level, std::int64_t mark) {
  for (std::size_t i = 0; i < count_; ++i)
    if (TimedRead& read = at(i); read.level == level && read.fetched == 0) read.write_mark = mark;
}

}  // namespace shiftsim::sim
