// LOAD in time: what LoadUnit does cycle by cycle, without values.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/core/cmd_fifo.h"
#include "sim/core/command_tokens.h"
#include "sim/core/commands.h"
#include "sim/core/geometry.h"
#include "sim/core/tokens.h"
#include "sim/transaction/observer.h"

namespace shiftsim::sim {

class LoadTiming {
public:
  /// 'tokens' must outlive this object.
  LoadTiming(const Geometry& geometry, Tokens& tokens)
      : tokens_(tokens), fifo_(geometry.cmd_depth), walk_cycles_(geometry.pixels) {}

  void observe(TransactionObserver* observer) { observer_ = observer; }

  bool can_take() const { return !fifo_.full(); }
  void push(const Queued<LoadCommand>& command) { fifo_.push(command); }
  bool idle() const { return fifo_.empty() && pending_.empty() && receive_ == Receive::kIdle; }

  LdState state() const {
    if (fifo_.empty()) return LdState::kNoCommand;
    return load_wait(*fifo_.front().command, tokens_, pending_.full());
  }
  bool requests_read() const { return state() == LdState::kRequest; }
  /// For which a read is requested.
  const LoadCommand& requested() const { return *fifo_.front().command; }
  /// Whether the next clock edge takes up a load whose words are to come.
  bool takes_up_load() const { return receive_ == Receive::kIdle && !pending_.empty(); }
  /// Whether it takes every word that is offered.
  bool receives() const { return receive_ == Receive::kData; }

  /// Cycles, at most 'limit', before the slots' walk ends; 'limit' where there is no walk.
  std::int64_t same_cycles(std::int64_t limit) const {
    return receive_ == Receive::kWalk ? std::min(limit, walk_left_) : limit;
  }
  /// Runs so many cycles, at most same_cycles(), in which no read is accepted, no load is taken up, and no last word is
  /// received.
  void advance(std::int64_t cycles) {
    if (receive_ != Receive::kWalk) return;
    walk_left_ -= cycles;
    if (walk_left_ == 0) receive_ = Receive::kData;
  }
  /// Runs one cycle. 'last_word': the last word of the load is received; 'read_accepted': of the one that is requested.
  void clock(bool last_word, bool read_accepted, std::int64_t cycle);

private:
  enum class Receive { kIdle, kWalk, kData };
  static constexpr int kPending = 2;

  void take_up(std::int64_t cycle);
  void finish(std::int64_t cycle);
  void wait_for_data();

  Tokens& tokens_;
  TransactionObserver* observer_ = nullptr;
  CmdFifo<LoadCommand> fifo_;
  CmdFifo<LoadCommand> pending_{kPending};  ///< whose words are to come
  Receive receive_ = Receive::kIdle;
  Queued<LoadCommand> current_;  ///< whose words are received
  std::int64_t walk_cycles_ = 0, walk_left_ = 0;
  std::int64_t from_ = 0;  ///< cycle in which 'current_' was taken up
};

// Called for single cycles by the memory side, which therefore sees its body.
inline void LoadTiming::clock(bool last_word, bool read_accepted, std::int64_t cycle) {
  switch (receive_) {
    case Receive::kIdle:
      if (!pending_.empty()) take_up(cycle);
      break;
    case Receive::kWalk:
      advance(1);
      break;
    case Receive::kData:
      if (last_word) finish(cycle);
      break;
  }
  if (read_accepted) wait_for_data();
}

}  // namespace shiftsim::sim
