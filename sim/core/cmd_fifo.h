// A queue of commands (rtl/shiftsim_cmd_fifo.sv). It holds references: the commands themselves stand in the program.
#pragma once

#include <array>
#include <cstddef>

#include "common/error.h"

namespace shiftsim::sim {

/// A command in a queue, with the simulation-only tag that says for which layer events are counted.
template <typename Command>
struct Queued {
  const Command* command = nullptr;
  int layer = 0;
};

template <typename Command>
class CmdFifo {
public:
  static constexpr int kMaxDepth = 16;

  /// 'depth': entries, 1 to kMaxDepth.
  explicit CmdFifo(int depth) : depth_(depth) {
    SHIFTSIM_CHECK(depth >= 1 && depth <= kMaxDepth, "command FIFO of {} entries", depth);
  }

  void reset() {
    head_ = 0;
    count_ = 0;
  }
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == depth_; }
  /// The oldest command. Not of an empty queue.
  const Queued<Command>& front() const { return entries_[static_cast<std::size_t>(head_)]; }
  void pop() {
    head_ = (head_ + 1) % kMaxDepth;
    --count_;
  }
  /// Not into a full queue.
  void push(const Queued<Command>& value) {
    SHIFTSIM_CHECK(!full(), "a push into a full command FIFO of {} entries", depth_);
    entries_[static_cast<std::size_t>((head_ + count_) % kMaxDepth)] = value;
    ++count_;
  }

private:
  int depth_;
  std::array<Queued<Command>, kMaxDepth> entries_{};
  int head_ = 0, count_ = 0;
};

}  // namespace shiftsim::sim
