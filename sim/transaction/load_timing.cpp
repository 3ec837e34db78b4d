#include "sim/transaction/load_timing.h"

namespace shiftsim::sim {

void LoadTiming::take_up(std::int64_t cycle) {
  current_ = pending_.front();
  pending_.pop();
  from_ = cycle;
  receive_ = current_.command->target == Target::kAct ? Receive::kWalk : Receive::kData;
  walk_left_ = walk_cycles_;
}

void LoadTiming::finish(std::int64_t cycle) {
  const LoadCommand& load = *current_.command;
  if (load.signal) tokens_.ready_of(load.target).give();
  if (observer_ != nullptr) observer_->on_load(from_, cycle + 1, current_.layer, load);
  receive_ = Receive::kIdle;
}

/// The command whose read is accepted takes its tokens.
void LoadTiming::wait_for_data() {
  const Queued<LoadCommand> next = fifo_.front();
  fifo_.pop();
  if (next.command->acquire) tokens_.credit_of(next.command->target).take();
  if (next.command->barrier) tokens_.barrier.take();
  pending_.push(next);
}

}  // namespace shiftsim::sim
