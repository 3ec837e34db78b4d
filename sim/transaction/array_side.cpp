#include "sim/transaction/array_side.h"

#include <algorithm>

#include "sim/compiler/command_shape.h"
#include "sim/core/cause_of.h"
#include "sim/core/command_tokens.h"

namespace shiftsim::sim {

ExState ArraySide::state() const {
  if (stalled()) return ExState::kPpuStall;
  if (running_) return ExState::kRun;
  if (fifo_.empty()) return ExState::kNoCommand;
  return missing_token(*fifo_.front().command, tokens_);
}

void ArraySide::count(std::int64_t cycles, bool barrier, bool store_idle) {
  const int at = layer();
  const Cause cause = cause_of(state(), barrier, in_flight() || !ppu_idle() || !store_idle);
  counters_.causes[static_cast<std::size_t>(at)][static_cast<std::size_t>(cause)] += cycles;
  Events& events = counters_.of(at);
  events.cycles += cycles;
  if (!e_.valid || stalled()) events.array_idle_cycles += cycles;
  if (observer_ != nullptr) observer_->on_compute(cycle_, cycles, cause, at, command_);
  cycle_ += cycles;
}

std::int64_t ArraySide::quiet() const {
  // Tokens that the PPU gives back when a command's last beat leaves its last stage.
  const int more = geometry_.activation_tables ? 1 : 0;
  if (last_beat().valid && last_beat().end) return 0;
  std::int64_t cycles = kForever;
  if (b2_.valid && b2_.end) cycles = more;
  if (b1_.valid && b1_.end) cycles = std::min<std::int64_t>(cycles, 1 + more);
  if (beats_left_ > 0 && capture_.end) cycles = std::min(cycles, beats_left_ + 1 + more);
  // Tokens that a command's last step gives back when it leaves E.
  const std::int64_t stall = stall_left();
  if (e_.valid && e_.end) return std::min(cycles, stall);
  if (d_.valid && d_.end) cycles = std::min(cycles, stall + 1);
  // After its last step, and after a stall, the next command may be taken up.
  if (running_) return std::min(cycles, stall + steps_ - issued_ + (command_->seg - 1 - pixel_) * steps_);
  if (stall > 0) return std::min(cycles, stall);
  return state() == ExState::kSetup ? 0 : cycles;
}

/// Cycles, at most 'limit', in which the pipeline does the same.
std::int64_t ArraySide::run_length(std::int64_t limit) const {
  if (stalled()) return std::min(limit, stall_left());
  if ((e_.valid && e_.capture) || (d_.valid && d_.capture)) return 1;
  if (running_) {
    const std::int64_t plain = steps_ - 1 - issued_;
    // The counters see whether a step is in E.
    return plain > 0 && e_.valid && d_.valid ? std::min(limit, plain) : 1;
  }
  if (in_flight()) return 1;
  if (beats_left_ > 0) return std::min(limit, beats_left_);
  return ppu_idle() ? limit : 1;
}

void ArraySide::clock_ppu() {
  if (geometry_.activation_tables) b3_ = b2_;
  b2_ = b1_;
  b1_ = capture_;
  b1_.valid = beats_left_ > 0;
  b1_.end = capture_.end && beats_left_ == 1;
  if (beats_left_ > 0) --beats_left_;
}

void ArraySide::advance_ppu(std::int64_t cycles) {
  // Between a capture's first beats and its last all stages are full.
  constexpr std::int64_t kFill = 3;
  const std::int64_t full = std::min(cycles, beats_left_ - 1) - kFill;
  if (full > 0) {
    for (std::int64_t i = 0; i < kFill; ++i) clock_ppu();
    beats_left_ -= full;
    cycles -= full + kFill;
  }
  for (; cycles > 0 && !ppu_idle(); --cycles) clock_ppu();
}

void ArraySide::issue(std::int64_t steps) {
  issued_ += steps;
  d_ = {true, false, false, command_, last_layer_};
  if (issued_ < steps_) return;
  issued_ = 0;
  ++pixel_;
  d_.capture = command_->drain;
  d_.end = pixel_ == command_->seg;
  if (d_.end) running_ = false;
}

/// What stands in E is accumulated, and captured where it says so; the next step moves up.
void ArraySide::shift() {
  if (e_.valid && e_.capture) {
    beats_left_ = beats_of(*e_.command, geometry_);
    capture_ = e_;
    if (observer_ != nullptr) observer_->on_ppu(cycle_, beats_left_, e_.layer, *e_.command);
  }
  e_ = d_;
  d_.valid = false;
}

void ArraySide::advance(std::int64_t cycles, bool barrier, bool store_idle) {
  while (cycles > 0) {
    const std::int64_t n = run_length(cycles);
    const bool stall = stalled();
    count(n, barrier, store_idle);
    cycles -= n;
    advance_ppu(n);
    if (stall) continue;
    shift();
    if (running_) issue(n);
    if (n > 1) e_ = d_;
  }
}

void ArraySide::clock(bool barrier, bool store_idle) {
  count(1, barrier, store_idle);
  const ExState now = state();
  if (last_beat().valid && last_beat().end) {
    const ComputeCommand& c = *last_beat().command;
    if (c.rel_tab) tokens_.credit_of(Target::kTab).give();
    if (c.rel_res) tokens_.credit_of(Target::kRes).give();
    if (c.sig_out) tokens_.ready_of(Target::kOut).give();
  }
  clock_ppu();
  if (now != ExState::kPpuStall) {
    if (e_.valid && e_.end) {
      const ComputeCommand& c = *e_.command;
      if (c.rel_act) tokens_.credit_of(Target::kAct).give();
      if (c.rel_wgt) tokens_.credit_of(Target::kWgt).give();
    }
    shift();
  }
  if (now == ExState::kSetup) setup();
  if (now == ExState::kRun) issue(1);
}

void ArraySide::setup() {
  const Queued<ComputeCommand> next = fifo_.front();
  fifo_.pop();
  take_tokens(*next.command, tokens_);
  command_ = next.command;
  steps_ = steps_of(*command_, geometry_);
  last_layer_ = next.layer;
  issued_ = 0;
  pixel_ = 0;
  running_ = true;
}

}  // namespace shiftsim::sim
