// COMPUTE's stage F: takes a command with its tokens, then issues one step a cycle. It also keeps the contexts of the
// steps in flight and the registers of D and E, because the one global stall concerns all three.
// rtl/shiftsim_ex_sequencer.sv.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/core/cmd_fifo.h"
#include "sim/core/command_tokens.h"
#include "sim/core/core_counters.h"
#include "sim/core/geometry.h"
#include "sim/core/operand_select.h"
#include "sim/core/ports.h"
#include "sim/core/scratchpads.h"
#include "sim/core/slot_table.h"
#include "sim/core/step.h"
#include "sim/core/tokens.h"

namespace shiftsim::sim {

class ExSequencer {
public:
  ExSequencer(const Geometry& geometry, Tokens& tokens, const Scratchpads& scratchpads, const SlotTable& slots,
              OperandSelect& operands, CoreCounters& counters);

  void reset();
  bool idle() const { return fifo_.empty() && !running_ && !d_.valid && !e_.valid; }
  /// Steps in D or E.
  bool in_flight() const { return d_.valid || e_.valid; }
  /// The step in E. It is accumulated at the clock edge, unless the core is stalled.
  const Step& e() const { return e_; }
  /// Layer of the command at work or at the queue's head, else of the last one worked on.
  int layer() const;
  void begin_batch() { last_layer_ = 0; }
  std::int64_t commands_started() const { return commands_started_; }
  /// Drives the unit's ports. 'stall': the global stall of this cycle.
  void drive(bool stall, CoreOutputs& out) const;
  /// The clock edge; 'out': the ports as they stood in the cycle that it ends.
  void clock(const CoreInputs& in, const CoreOutputs& out, bool stall);

private:
  ExState state(bool stall) const;
  void release(const Step& step);
  void setup();
  void issue();
  void read_words(const ComputeCommand& command, Events& events);
  void advance(const ComputeCommand& command, std::uint32_t subs);
  void next_pixel(const ComputeCommand& command);
  Context& context() { return contexts_[static_cast<std::size_t>(context_id_)]; }

  const Geometry& g_;
  Tokens& tokens_;
  const Scratchpads& scratchpads_;
  const SlotTable& slots_;
  OperandSelect& operands_;
  CoreCounters& counters_;

  CmdFifo<ComputeCommand> fifo_;
  bool running_ = false;
  int context_id_ = 0;
  /// Two suffice: SETUP waits while E stalls.
  std::array<Context, 2> contexts_{};
  int last_layer_ = 0;
  std::int64_t commands_started_ = 0;
  std::uint32_t sub_ = 0, cw_ = 0, kx_ = 0, ky_ = 0, plane_ = 0, j_ = 0;
  std::uint16_t tap_ = 0, wgt_ = 0;

  /// A slot's place (rtl/shiftsim_slot_agu.sv).
  struct SlotPlace {
    std::uint16_t x = 0, xa = 0;
    std::int32_t rem = 0;
  };
  std::vector<SlotPlace> places_;
  std::vector<const std::uint8_t*> words_;  ///< of this cycle's read, by pixel
  Step d_, e_;
};

// Called every cycle by the core, which therefore sees their bodies.
inline int ExSequencer::layer() const {
  return !running_ && !fifo_.empty() ? fifo_.front().layer : last_layer_;
}

inline ExState ExSequencer::state(bool stall) const {
  if (stall) return ExState::kPpuStall;
  if (running_) return ExState::kRun;
  if (fifo_.empty()) return ExState::kNoCommand;
  return missing_token(*fifo_.front().command, tokens_);
}

inline void ExSequencer::drive(bool stall, CoreOutputs& out) const {
  out.ex_cmd_ready = !fifo_.full();
  out.ex_state = state(stall);
}

inline void ExSequencer::clock(const CoreInputs& in, const CoreOutputs& out, bool stall) {
  if (!stall) {
    if (e_.valid && e_.end) release(e_);
    e_ = d_;
    d_.valid = false;
  }
  if (out.ex_state == ExState::kSetup) setup();
  if (out.ex_state == ExState::kRun) issue();
  if (in.ex.valid && out.ex_cmd_ready) {
    fifo_.push({in.ex.command, in.ex.layer});
    ++counters_.of(in.ex.layer).compute_commands;
  }
}

}  // namespace shiftsim::sim
