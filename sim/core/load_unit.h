// LOAD: asks the DMA for words (issue) and writes the words that come back (receive). rtl/shiftsim_load_unit.sv.
#pragma once

#include <cstdint>

#include "sim/core/cmd_fifo.h"
#include "sim/core/command_tokens.h"
#include "sim/core/core_counters.h"
#include "sim/core/geometry.h"
#include "sim/core/ports.h"
#include "sim/core/scratchpads.h"
#include "sim/core/slot_table.h"
#include "sim/core/tokens.h"

namespace shiftsim::sim {

class LoadUnit {
public:
  LoadUnit(const Geometry& geometry, Tokens& tokens, Scratchpads& scratchpads, CoreCounters& counters);

  void reset();
  bool idle() const { return fifo_.empty() && pending_.empty() && receive_ == Receive::kIdle; }
  const SlotTable& slots() const { return slots_; }
  /// Drives the unit's ports.
  void drive(CoreOutputs& out) const;
  /// The clock edge; 'out': the ports as they stood in the cycle that it ends.
  void clock(const CoreInputs& in, const CoreOutputs& out);

private:
  static constexpr int kPending = 2;
  enum class Receive { kIdle, kInit, kData };

  LdState state() const;
  void receive(const CoreInputs& in);
  void start();
  void walk();
  void write_word(const std::uint8_t* data);
  void write_act(const LoadCommand& command, const std::uint8_t* data, Events& events);

  const Geometry& g_;
  Tokens& tokens_;
  Scratchpads& scratchpads_;
  CoreCounters& counters_;
  SlotTable slots_;

  CmdFifo<LoadCommand> fifo_;
  CmdFifo<LoadCommand> pending_{kPending};  ///< requests whose data is to come
  Receive receive_ = Receive::kIdle;
  Queued<LoadCommand> current_{};
  std::uint32_t word_ = 0;  ///< g: words received
  int slot_ = 0;            ///< of the walk
  Slot walk_{};
};

// Called every cycle by the core, which therefore sees their bodies.
inline LdState LoadUnit::state() const {
  if (fifo_.empty()) return LdState::kNoCommand;
  return load_wait(*fifo_.front().command, tokens_, pending_.full());
}

inline void LoadUnit::drive(CoreOutputs& out) const {
  out.ld_cmd_ready = !fifo_.full();
  out.ld_state = state();
  out.rd_req_valid = out.ld_state == LdState::kRequest;
  if (out.rd_req_valid) {
    const LoadCommand& c = *fifo_.front().command;
    out.rd_req_target = c.target;
    out.rd_req_count = c.count;
    out.rd_req_id = c.dma_id;
  }
  out.rd_data_ready = receive_ == Receive::kData;
}

inline void LoadUnit::clock(const CoreInputs& in, const CoreOutputs& out) {
  receive(in);
  if (out.rd_req_valid && in.rd_req_ready) {
    const Queued<LoadCommand> next = fifo_.front();
    fifo_.pop();
    if (next.command->acquire) tokens_.credit_of(next.command->target).take();
    if (next.command->barrier) tokens_.barrier.take();
    pending_.push(next);
  }
  if (in.ld.valid && out.ld_cmd_ready) {
    fifo_.push({in.ld.command, in.ld.layer});
    ++counters_.of(in.ld.layer).load_commands;
  }
}

}  // namespace shiftsim::sim
