#include "sim/transaction/memory_side.h"

#include <algorithm>

#include "common/error.h"
#include "sim/compiler/read_bursts.h"
#include "sim/core/command_tokens.h"
#include "sim/memory/read_buffer.h"

namespace shiftsim::sim {
namespace {

constexpr int kPending = 2;

}  // namespace

MemorySide::MemorySide(const qnet::Network& network, const Program& program, const DramConfig& dram, Tokens& tokens,
                       CoreCounters& counters)
    : network_(network),
      program_(program),
      config_(dram),
      tokens_(tokens),
      counters_(counters),
      buffer_bytes_(read_buffer_bytes(network, program, dram)),
      loads_(program.geometry.cmd_depth),
      pending_(kPending),
      stores_(program.geometry.cmd_depth),
      has_l2_(program.l2.kib > 0) {
  channel(MemoryLevel::kDram) = {dram.bytes_per_cycle, dram.latency_cycles};
  if (has_l2_) channel(MemoryLevel::kL2) = {program.l2.bytes_per_cycle, program.l2.latency_cycles};
}

LdState MemorySide::load_state() const {
  if (loads_.empty()) return LdState::kNoCommand;
  return load_wait(*loads_.front().command, tokens_, pending_.full());
}

bool MemorySide::requests_store() const {
  return send_ == Send::kIdle && !stores_.empty() &&
         (!stores_.front().command->acquire || tokens_.ready_of(Target::kOut).available());
}

bool MemorySide::sends_word() const {
  return send_ == Send::kSend && store_ && to_write() + 2 * std::int64_t{config_.burst_bytes} <= buffer_bytes_;
}

bool MemorySide::changes_tokens_or_queues(bool read_request) const {
  if (read_request && request_count_ < kMaxRequests) return true;
  if (receive_ == Receive::kIdle && !pending_.empty()) return true;
  if (takes_word() && requests_[first_request_].words.left() == 1) return true;
  if (sends_word() && words_left_ == 1) return true;
  return !store_ && requests_store();
}

void MemorySide::walk(std::int64_t cycles) {
  if (receive_ != Receive::kInit) return;
  walk_left_ -= cycles;
  if (walk_left_ == 0) receive_ = Receive::kData;
}

/// Nothing is under way in DMA and DRAM.
std::int64_t MemorySide::advance_idle(std::int64_t limit) {
  const std::int64_t cycles = walk_cycles(limit);
  walk(cycles);
  cycle_ += cycles;
  return cycles;
}

/// The first request with bytes to fetch, or null; and what the buffer holds of it and those before it.
MemorySide::Request* MemorySide::reader(std::int64_t& buffered) {
  buffered = 0;
  for (std::size_t i = 0; i < request_count_; ++i) {
    Request& r = request(i);
    buffered += r.fetched - r.consumed;
    if (r.fetched < r.total) return &r;
  }
  return nullptr;
}

/// Reads only: nothing is stored or waits to be written. Each call runs the cycles in which the same request is fetched
/// at the same pace and the words taken need the same.
std::int64_t MemorySide::advance_reads(std::int64_t limit) {
  Request& front = requests_[first_request_];
  const bool takes = takes_word();
  std::int64_t cycles = walk_cycles(limit);
  // Taking a word frees what it needed; those after it in the run free nothing more.
  if (takes) {
    front.consumed = front.words.need();
    // The last word gives a token.
    cycles = std::min({cycles, front.words.same(), front.words.left() - 1});
  }
  std::int64_t buffered = 0;
  Request* const fetching = reader(buffered);
  const std::int64_t pace = fetching != nullptr ? channel(fetching->level).bytes_per_cycle : 1;
  std::int64_t grants = 0;  // cycles with a fetch, from the first on
  if (fetching != nullptr && cycle_ < fetching->first_data) {
    cycles = std::min(cycles, fetching->first_data - cycle_);
  } else if (fetching != nullptr && buffered + pace <= buffer_bytes_) {
    const std::int64_t to_end = ceil_div(fetching->total - fetching->fetched, pace);
    cycles = std::min(cycles, to_end);
    grants = std::min(cycles, (buffer_bytes_ - buffered) / pace);
  }
  if (!takes && !word_offered_ && receive_ == Receive::kData) {
    // Until a word is offered.
    const std::int64_t missing = front.words.need() - front.fetched;
    if (missing <= 0) {
      cycles = std::min(cycles, std::max<std::int64_t>(1, front.first_data - cycle_));
    } else if (grants > 0) {
      const std::int64_t until = ceil_div(missing, pace);
      SHIFTSIM_CHECK(fetching == &front && until <= (buffer_bytes_ - buffered) / pace,
                     "a word of {} bytes waits for a full buffer of {}", front.words.need(), buffer_bytes_);
      cycles = std::min(cycles, until);
      grants = cycles;
    }
  }
  if (grants > 0) fetch(*fetching, grants);
  walk(cycles);
  cycle_ += cycles;
  for (Channel& one : channels_) one.last_grant_write = false;
  if (takes) front.words.advance(cycles);
  if (takes || !word_offered_) offer_word();
  return cycles;
}

std::int64_t MemorySide::advance(std::int64_t limit) {
  const bool read_request = requests_read();
  std::int64_t cycles = 0;
  while (cycles < limit && !changes_tokens_or_queues(read_request)) {
    const std::int64_t left = limit - cycles;
    const bool writes = store_ || to_write() > 0 || copies();
    if (writes) {
      clock();
      ++cycles;
      // The batch may end with the last write.
      if (dma_idle()) break;
    } else {
      cycles += request_count_ == 0 ? advance_idle(left) : advance_reads(left);
    }
  }
  return cycles;
}

void MemorySide::clock() {
  const bool read_request = requests_read(), store_request = requests_store(), sent = sends_word(),
             taken = takes_word();
  const bool read_accepted = read_request && request_count_ < kMaxRequests;
  const LoadCommand* const load = read_accepted ? loads_.front().command : nullptr;
  const bool store_accepted = store_request && !store_;
  const StoreCommand* const store = store_accepted ? stores_.front().command : nullptr;
  const bool asleep = request_count_ == 0 && !read_request && !store_request && dma_idle();
  clock_store(store_accepted, sent);
  clock_load(taken, read_accepted);
  if (asleep) {
    ++cycle_;
    return;
  }
  clock_dma({taken, sent, load, store});
}

void MemorySide::clock_load(bool word_taken, bool read_accepted) {
  switch (receive_) {
    case Receive::kIdle:
      if (pending_.empty()) break;
      load_ = pending_.front().command;
      load_from_ = cycle_;
      load_layer_ = pending_.front().layer;
      pending_.pop();
      receive_ = load_->target == Target::kAct ? Receive::kInit : Receive::kData;
      walk_left_ = program_.geometry.pixels;
      break;
    case Receive::kInit:
      walk(1);
      break;
    case Receive::kData:
      if (!word_taken || requests_[first_request_].words.left() > 1) break;
      if (load_->signal) tokens_.ready_of(load_->target).give();
      if (observer_ != nullptr) {
        const Request& read = requests_[first_request_];
        observer_->on_load(load_from_, cycle_ + 1, load_layer_, *load_);
        observer_->on_read(read.accepted_at, cycle_ + 1, read.fetched_from, read.fetched_to, read.level, read.total,
                           read.layer, load_->target);
      }
      receive_ = Receive::kIdle;
      break;
  }
  if (!read_accepted) return;
  const Queued<LoadCommand> next = loads_.front();
  loads_.pop();
  if (next.command->acquire) tokens_.credit_of(next.command->target).take();
  if (next.command->barrier) tokens_.barrier.take();
  pending_.push(next);
}

void MemorySide::clock_store(bool accepted, bool word_sent) {
  switch (send_) {
    case Send::kIdle:
      if (!accepted) break;
      sent_ = stores_.front().command;
      store_from_ = cycle_;
      store_layer_ = stores_.front().layer;
      stores_.pop();
      if (sent_->acquire) tokens_.ready_of(Target::kOut).take();
      words_left_ = sent_->count;
      send_ = Send::kRead;
      break;
    case Send::kRead:
      send_ = Send::kSend;
      break;
    case Send::kSend:
      if (!word_sent || --words_left_ > 0) break;
      if (sent_->rel_out) tokens_.credit_of(Target::kOut).give();
      if (sent_->sig_layer) tokens_.barrier.give();
      if (observer_ != nullptr) observer_->on_store(store_from_, cycle_ + 1, store_layer_, *sent_);
      send_ = Send::kIdle;
      break;
  }
}

void MemorySide::clock_dma(const Handshakes& now) {
  if (now.word_taken) {
    Request& front = requests_[first_request_];
    front.consumed = front.words.need();
    front.words.advance(1);
    if (front.words.left() == 0) {
      SHIFTSIM_CHECK(front.fetched == front.total, "{} of {} bytes fetched", front.fetched, front.total);
      first_request_ = (first_request_ + 1) % kMaxRequests;
      --request_count_;
    }
  }
  if (now.load != nullptr) accept(*now.load);
  if (now.store != nullptr) {
    const WriteProgram& write = program_.writes[now.store->dma_id];
    store_ = Store{StoreWords(write, now.store->count, network_, program_), program_.dram.level(write.tensor)};
  } else if (now.word_sent) {
    write_word();
  }
  transfer();
  ++cycle_;
  if (now.word_taken || !word_offered_) offer_word();
}

void MemorySide::accept(const LoadCommand& load) {
  const ReadProgram& read = program_.reads[load.dma_id];
  Request next;
  next.total = read_bytes(read, network_, program_.dram);
  next.words = WordNeeds(read, load.count, next.total, network_, config_.burst_bytes);
  next.level = program_.level_of(read);
  next.first_data = cycle_ + channel(next.level).latency_cycles;
  next.write_mark = channel(next.level).accepted;
  next.accepted_at = cycle_;
  next.fetched_from = cycle_;
  next.fetched_to = cycle_;
  next.layer = read.layer;
  next.has_copy = read.copy.has_value();
  add_read(next.level, next.total, config_.burst_bytes, counters_.of(read.layer));
  request(request_count_) = next;
  ++request_count_;
}

void MemorySide::write_word() {
  const StoreWords::Pieces& pieces = store_->words.pieces();
  const auto unit = static_cast<std::uint64_t>(config_.burst_bytes);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const DramPiece& piece = pieces[i];
    if (piece.bytes == 0) continue;
    OpenBurst& open = store_->open[i];
    const bool within_open = open && piece.address >= *open * unit &&
                             piece.address + static_cast<std::uint64_t>(piece.bytes) <= (*open + 1) * unit;
    if (within_open) continue;
    const std::uint64_t last = (piece.address + static_cast<std::uint64_t>(piece.bytes) - 1) / unit;
    for (std::uint64_t burst = piece.address / unit; burst <= last; ++burst) {
      if (open == burst) continue;
      close(open);
      open = burst;
    }
  }
  store_->words.advance();
  if (!store_->words.done()) return;
  for (OpenBurst& open : store_->open) close(open);
  store_.reset();
}

void MemorySide::close(OpenBurst& open) {
  if (!open) return;
  open.reset();
  add_to_write(channel(store_->level), config_.burst_bytes);
  add_write(store_->level, config_.burst_bytes, config_.burst_bytes, counters_.of(store_->words.layer()));
}

void MemorySide::add_to_write(Channel& channel, std::int64_t bytes) {
  if (channel.to_write == 0) {
    channel.writes_from = cycle_;
    channel.writes_bytes = 0;
  }
  channel.writes_bytes += bytes;
  channel.accepted += bytes;
  channel.to_write += bytes;
}

bool MemorySide::copies() {
  for (std::size_t i = 0; i < request_count_; ++i)
    if (request(i).copies()) return true;
  return false;
}

/// Whole bursts of what was fetched. Reads behind the last of them wait for it.
void MemorySide::copy_fetched(Request& from) {
  const std::int64_t burst = config_.burst_bytes;
  const std::int64_t bytes = (from.fetched - from.copied) / burst * burst;
  if (bytes == 0) return;
  Channel& to = channel(MemoryLevel::kL2);
  add_to_write(to, bytes);
  add_write(MemoryLevel::kL2, bytes, burst, counters_.of(from.layer));
  from.copied += bytes;
  if (from.copies()) return;
  for (std::size_t i = 0; i < request_count_; ++i) {
    Request& later = request(i);
    if (later.level == MemoryLevel::kL2 && later.fetched == 0) later.write_mark = to.accepted;
  }
}

/// Bytes come in so many cycles, from the present one on.
void MemorySide::fetch(Request& request, std::int64_t cycles) {
  if (request.fetched == 0) request.fetched_from = cycle_;
  request.fetched = std::min(request.total, request.fetched + cycles * channel(request.level).bytes_per_cycle);
  request.fetched_to = cycle_ + cycles;
}

void MemorySide::transfer() {
  std::int64_t buffered = 0;
  Request* const first = reader(buffered);
  Request* fetching = first;
  if (fetching != nullptr) {
    const Channel& from = channel(fetching->level);
    const bool may_copy =
        !fetching->copies() || to_write() + from.bytes_per_cycle + config_.burst_bytes <= buffer_bytes_;
    const bool may_read = from.accepted - from.to_write >= fetching->write_mark && may_copy &&
                          buffered + from.bytes_per_cycle <= buffer_bytes_ && cycle_ >= fetching->first_data;
    if (!may_read) fetching = nullptr;
  }
  const bool reads_l2 = fetching != nullptr && fetching->level == MemoryLevel::kL2;
  grant(channel(MemoryLevel::kDram), reads_l2 ? nullptr : fetching);
  if (has_l2_) grant(channel(MemoryLevel::kL2), reads_l2 ? fetching : nullptr);
  if (first != nullptr && first->copies()) copy_fetched(*first);
}

/// A cycle of a channel: for a read or for writes, in turn where both want it.
void MemorySide::grant(Channel& channel, Request* fetching) {
  const bool write = channel.to_write > 0 && (fetching == nullptr || !channel.last_grant_write);
  if (write) {
    channel.to_write -= std::min<std::int64_t>(channel.to_write, channel.bytes_per_cycle);
    if (channel.to_write == 0 && observer_ != nullptr) {
      const MemoryLevel level = &channel == channels_.data() ? MemoryLevel::kDram : MemoryLevel::kL2;
      observer_->on_write(channel.writes_from, cycle_ + 1, level, channel.writes_bytes);
    }
  } else if (fetching != nullptr) {
    fetch(*fetching, 1);
  }
  channel.last_grant_write = write;
}

void MemorySide::offer_word() {
  word_offered_ = false;
  if (request_count_ == 0) return;
  const Request& front = requests_[first_request_];
  word_offered_ = cycle_ >= front.first_data && front.fetched >= front.words.need();
}

}  // namespace shiftsim::sim
