#include "sim/core/store_unit.h"

namespace shiftsim::sim {

void StoreUnit::reset() {
  fifo_.reset();
  state_ = State::kIdle;
}

void StoreUnit::start() {
  current_ = fifo_.front();
  fifo_.pop();
  if (current_.command->acquire) tokens_.ready_of(Target::kOut).take();
  address_ = current_.command->base;
  left_ = current_.command->count;
  state_ = State::kRead;
}

void StoreUnit::read() {
  word_ = scratchpads_.out.word(current_.command->half, address_);
  ++address_;
  ++counters_.of(current_.layer).out_read_words;
}

void StoreUnit::finish() {
  if (current_.command->rel_out) tokens_.credit_of(Target::kOut).give();
  if (current_.command->sig_layer) tokens_.barrier.give();
  state_ = State::kIdle;
}

}  // namespace shiftsim::sim
