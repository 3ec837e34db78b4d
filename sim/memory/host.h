// The host: feeds a program's commands into the three queues, as fast as they take them.
#pragma once

#include <cstddef>

#include "sim/compiler/program.h"
#include "sim/core/ports.h"

namespace shiftsim::sim {

struct HostOutputs {
  CommandOffer<LoadCommand> ld;
  CommandOffer<ComputeCommand> ex;
  CommandOffer<StoreCommand> st;
};

class Host {
public:
  explicit Host(const Program& program) : program_(program) { restart(); }

  /// Begins the program again, for the next batch.
  void restart() {
    next_ld_ = 0;
    next_ex_ = 0;
    next_st_ = 0;
    offer();
  }
  const HostOutputs& outputs() const { return out_; }
  /// Returns whether an offer was taken, and the outputs changed.
  bool clock(const CoreOutputs& core) {
    const bool ld = out_.ld.valid && core.ld_cmd_ready;
    const bool ex = out_.ex.valid && core.ex_cmd_ready;
    const bool st = out_.st.valid && core.st_cmd_ready;
    if (!ld && !ex && !st) return false;
    next_ld_ += ld;
    next_ex_ += ex;
    next_st_ += st;
    offer();
    return true;
  }
  bool done() const { return !out_.ld.valid && !out_.ex.valid && !out_.st.valid; }

private:
  template <typename Command>
  static CommandOffer<Command> offer_from(const QueueProgram<Command>& queue, std::size_t next) {
    if (next == queue.commands.size()) return {};
    return {true, &queue.commands[next], &queue.words[next], queue.layers[next]};
  }
  void offer() {
    out_.ld = offer_from(program_.loads, next_ld_);
    out_.ex = offer_from(program_.computes, next_ex_);
    out_.st = offer_from(program_.stores, next_st_);
  }

  const Program& program_;
  std::size_t next_ld_ = 0, next_ex_ = 0, next_st_ = 0;
  HostOutputs out_;
};

}  // namespace shiftsim::sim
