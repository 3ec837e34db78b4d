// The COMPUTE unit and the PPU in time: what ExSequencer, PeArray and Ppu do cycle by cycle, without values, and in
// runs of cycles in which nobody outside sees a change.
#pragma once

#include <cstdint>

#include "sim/core/cmd_fifo.h"
#include "sim/core/commands.h"
#include "sim/core/core_counters.h"
#include "sim/core/geometry.h"
#include "sim/core/tokens.h"
#include "sim/transaction/observer.h"

namespace shiftsim::sim {

class ArraySide {
public:
  ArraySide(const Geometry& geometry, Tokens& tokens, CoreCounters& counters)
      : geometry_(geometry), tokens_(tokens), counters_(counters), fifo_(geometry.cmd_depth) {}

  void observe(TransactionObserver* observer) { observer_ = observer; }

  void begin_batch() { last_layer_ = 0; }
  bool can_take() const { return !fifo_.full(); }
  void push(const Queued<ComputeCommand>& command) { fifo_.push(command); }
  bool idle() const { return fifo_.empty() && !running_ && !in_flight() && ppu_idle(); }
  /// Layer to which the present cycle is counted.
  int layer() const { return !running_ && !fifo_.empty() ? fifo_.front().layer : last_layer_; }

  /// Cycles from now in which no clock edge takes or gives a token or a command, whatever happens outside but to
  /// tokens and commands. kForever: until those change.
  std::int64_t quiet() const;
  static constexpr std::int64_t kForever = std::int64_t{1} << 60;
  /// Counts and runs 'cycles', at most quiet(). 'barrier': the load unit waits for the barrier; 'store_idle': the store
  /// unit has nothing to do.
  void advance(std::int64_t cycles, bool barrier, bool store_idle);
  /// Counts the present cycle and runs it, whatever it does.
  void clock(bool barrier, bool store_idle);

private:
  /// A pipeline register of the sequencer or the PPU: only a pixel's last step and a command's last beat matter.
  struct Stage {
    bool valid = false, capture = false, end = false;
    const ComputeCommand* command = nullptr;
    int layer = 0;
  };

  bool in_flight() const { return d_.valid || e_.valid; }
  bool ppu_idle() const { return beats_left_ == 0 && !b1_.valid && !b2_.valid && !b3_.valid; }
  /// The PPU's last stage, behind which a command's last beat gives tokens back.
  const Stage& last_beat() const { return geometry_.activation_tables ? b3_ : b2_; }
  bool stalled() const { return e_.valid && e_.capture && beats_left_ > 1; }
  /// Cycles that a stall lasts yet.
  std::int64_t stall_left() const { return stalled() ? beats_left_ - 1 : 0; }
  ExState state() const;
  void count(std::int64_t cycles, bool barrier, bool store_idle);
  std::int64_t run_length(std::int64_t limit) const;
  void clock_ppu();
  void advance_ppu(std::int64_t cycles);
  void setup();
  void issue(std::int64_t steps);
  void shift();

  const Geometry& geometry_;
  Tokens& tokens_;
  CoreCounters& counters_;
  TransactionObserver* observer_ = nullptr;
  std::int64_t cycle_ = 0;
  CmdFifo<ComputeCommand> fifo_;
  bool running_ = false;
  const ComputeCommand* command_ = nullptr;  ///< that issues steps
  std::int64_t steps_ = 1;                   ///< of its pixels
  std::int64_t issued_ = 0;                  ///< of them, of the present pixel
  std::uint32_t pixel_ = 0;
  int last_layer_ = 0;
  Stage d_, e_;

  std::int64_t beats_left_ = 0;  ///< of the PPU's first stage
  Stage capture_;                ///< at work there
  Stage b1_, b2_, b3_;           ///< 'end': the last beat of a command; b3_ only with activation tables
};

}  // namespace shiftsim::sim
