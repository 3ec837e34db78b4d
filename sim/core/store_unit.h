// STORE: reads output words and hands them to the DMA. rtl/shiftsim_store_unit.sv.
#pragma once

#include <cstdint>

#include "sim/core/cmd_fifo.h"
#include "sim/core/core_counters.h"
#include "sim/core/geometry.h"
#include "sim/core/ports.h"
#include "sim/core/scratchpads.h"
#include "sim/core/tokens.h"

namespace shiftsim::sim {

class StoreUnit {
public:
  StoreUnit(const Geometry& geometry, Tokens& tokens, const Scratchpads& scratchpads, CoreCounters& counters)
      : tokens_(tokens), scratchpads_(scratchpads), counters_(counters), fifo_(geometry.cmd_depth) {}

  void reset();
  /// Neither at work nor with a command at hand.
  bool idle() const { return state_ == State::kIdle && fifo_.empty(); }
  /// Drives the unit's ports.
  void drive(CoreOutputs& out) const;
  /// The clock edge; 'out': the ports as they stood in the cycle that it ends.
  void clock(const CoreInputs& in, const CoreOutputs& out);

private:
  enum class State { kIdle, kRead, kSend };

  void start();
  void read();
  void finish();

  Tokens& tokens_;
  const Scratchpads& scratchpads_;
  CoreCounters& counters_;

  CmdFifo<StoreCommand> fifo_;
  State state_ = State::kIdle;
  Queued<StoreCommand> current_{};
  std::uint32_t address_ = 0, left_ = 0;
  const std::uint8_t* word_ = nullptr;  ///< the memory's output
};

// Called every cycle by the core, which therefore sees their bodies.
inline void StoreUnit::drive(CoreOutputs& out) const {
  out.st_cmd_ready = !fifo_.full();
  out.wr_req_valid = state_ == State::kIdle && !fifo_.empty() &&
                     (!fifo_.front().command->acquire || tokens_.ready_of(Target::kOut).available());
  if (out.wr_req_valid) {
    out.wr_req_count = fifo_.front().command->count;
    out.wr_req_id = fifo_.front().command->dma_id;
  }
  out.wr_data_valid = state_ == State::kSend;
  out.wr_data = word_;
}

inline void StoreUnit::clock(const CoreInputs& in, const CoreOutputs& out) {
  switch (state_) {
    case State::kIdle:
      if (out.wr_req_valid && in.wr_req_ready) start();
      break;
    case State::kRead:
      read();
      state_ = State::kSend;
      break;
    case State::kSend:
      if (!in.wr_data_ready) break;
      if (--left_ == 0) {
        finish();
      } else {
        read();
      }
      break;
  }
  if (in.st.valid && out.st_cmd_ready) {
    fifo_.push({in.st.command, in.st.layer});
    ++counters_.of(in.st.layer).store_commands;
  }
}

}  // namespace shiftsim::sim
