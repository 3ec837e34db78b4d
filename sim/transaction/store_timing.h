// STORE in time: what StoreUnit does cycle by cycle, without values.
#pragma once

#include <cstdint>

#include "sim/core/cmd_fifo.h"
#include "sim/core/commands.h"
#include "sim/core/geometry.h"
#include "sim/core/tokens.h"
#include "sim/transaction/observer.h"

namespace shiftsim::sim {

class StoreTiming {
public:
  /// 'tokens' must outlive this object.
  StoreTiming(const Geometry& geometry, Tokens& tokens) : tokens_(tokens), fifo_(geometry.cmd_depth) {}

  void observe(TransactionObserver* observer) { observer_ = observer; }

  bool can_take() const { return !fifo_.full(); }
  void push(const Queued<StoreCommand>& command) { fifo_.push(command); }
  bool idle() const { return send_ == Send::kIdle && fifo_.empty(); }

  bool requests_write() const {
    return send_ == Send::kIdle && !fifo_.empty() &&
           (!fifo_.front().command->acquire || tokens_.ready_of(Target::kOut).available());
  }
  /// For which a write is requested.
  const StoreCommand& requested() const { return *fifo_.front().command; }
  bool offers_word() const { return send_ == Send::kSend; }
  bool offers_last_word() const { return offers_word() && words_left_ == 1; }

  /// Runs one cycle. 'accepted': the write that is requested; 'word_sent': the word that is offered is taken.
  void clock(bool accepted, bool word_sent, std::int64_t cycle);

private:
  enum class Send { kIdle, kRead, kSend };

  void start(std::int64_t cycle);
  void finish(std::int64_t cycle);

  Tokens& tokens_;
  TransactionObserver* observer_ = nullptr;
  CmdFifo<StoreCommand> fifo_;
  Send send_ = Send::kIdle;
  Queued<StoreCommand> current_;  ///< whose words are sent
  std::int64_t words_left_ = 0;
  std::int64_t from_ = 0;  ///< cycle in which its write was accepted
};

// Called for single cycles by the memory side, which therefore sees their bodies.
inline void StoreTiming::start(std::int64_t cycle) {
  current_ = fifo_.front();
  fifo_.pop();
  from_ = cycle;
  if (current_.command->acquire) tokens_.ready_of(Target::kOut).take();
  words_left_ = current_.command->count;
  send_ = Send::kRead;
}

inline void StoreTiming::finish(std::int64_t cycle) {
  const StoreCommand& store = *current_.command;
  if (store.rel_out) tokens_.credit_of(Target::kOut).give();
  if (store.sig_layer) tokens_.barrier.give();
  if (observer_ != nullptr) observer_->on_store(from_, cycle + 1, current_.layer, store);
  send_ = Send::kIdle;
}

inline void StoreTiming::clock(bool accepted, bool word_sent, std::int64_t cycle) {
  switch (send_) {
    case Send::kIdle:
      if (accepted) start(cycle);
      break;
    case Send::kRead:
      send_ = Send::kSend;
      break;
    case Send::kSend:
      if (word_sent && --words_left_ == 0) finish(cycle);
      break;
  }
}

}  // namespace shiftsim::sim
