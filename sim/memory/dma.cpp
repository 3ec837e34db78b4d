#include "sim/memory/dma.h"

#include <algorithm>

#include "common/error.h"
#include "sim/compiler/read_bursts.h"
#include "sim/memory/read_buffer.h"

namespace shiftsim::sim {
namespace {

constexpr std::size_t kMaxRequests = 4;

}  // namespace

Dma::Dma(const qnet::Network& network, const Program& program, const DramConfig& config, DramModel& dram,
         TensorMemory& memory)
    : network_(network),
      program_(program),
      config_(config),
      dram_(dram),
      memory_(memory),
      events_(network.layers.size()),
      buffer_bytes_(read_buffer_bytes(network, program, config)) {
  const Geometry& g = program.geometry;
  const auto bytes = static_cast<std::size_t>(std::max({g.act_word_bytes(), g.wgt_word_bytes(), g.tab_word_bytes()}));
  for (auto& word : words_) word.resize(ceil_div<std::size_t>(bytes, 4));
}

void Dma::accept_read(const CoreOutputs& core) {
  if (!core.rd_req_valid || !out_.rd_req_ready) return;
  const ReadProgram& read = program_.reads[core.rd_req_id];
  const BurstList bursts = read_bursts(read, network_, program_.dram);
  Request request{LoadWords(read, core.rd_req_count, network_, program_)};
  request.first_data = dram_.read(bursts.runs(), read.layer, cycle_);
  request.write_mark = accepted_;
  request.total = bursts.bytes();
  request.layer = read.layer;
  Events& events = events_[static_cast<std::size_t>(read.layer)];
  events.dram_read_bytes += request.total;
  events.dram_bursts += request.total / config_.burst_bytes;
  requests_.push_back(request);
}

void Dma::clock_store(const CoreOutputs& core) {
  if (core.wr_req_valid && out_.wr_req_ready) {
    store_ = Store{StoreWords(program_.writes[core.wr_req_id], core.wr_req_count, network_, program_)};
    return;
  }
  if (!core.wr_data_valid || !out_.wr_data_ready) return;
  store_->words.put(core.wr_data, memory_);
  const StoreWords::Pieces& pieces = store_->words.pieces();
  for (std::size_t i = 0; i < pieces.size(); ++i) gather(pieces[i], store_->open[i]);
  store_->words.advance();
  if (!store_->words.done()) return;
  for (OpenBurst& open : store_->open) close(open);
  store_.reset();
}

void Dma::gather(const DramPiece& piece, OpenBurst& open) {
  if (piece.bytes == 0) return;
  const auto unit = static_cast<std::uint64_t>(config_.burst_bytes);
  const std::uint64_t last = (piece.address + static_cast<std::uint64_t>(piece.bytes) - 1) / unit;
  for (std::uint64_t burst = piece.address / unit; burst <= last; ++burst) {
    if (open == burst) continue;
    close(open);
    open = burst;
  }
}

/// The burst that was gathered is complete.
void Dma::close(OpenBurst& open) {
  if (!open) return;
  const std::int64_t bytes = config_.burst_bytes;
  const int layer = store_->words.layer();
  dram_.write({*open * static_cast<std::uint64_t>(bytes), bytes}, layer, cycle_);
  open.reset();
  accepted_ += bytes;
  Events& events = events_[static_cast<std::size_t>(layer)];
  events.dram_write_bytes += bytes;
  ++events.dram_bursts;
}

void Dma::transfer() {
  // The first request with bytes to fetch, if the buffer has room for them.
  Request* reader = nullptr;
  std::int64_t buffered = 0;
  for (Request& request : requests_) {
    buffered += request.fetched - request.consumed;
    if (request.fetched == request.total) continue;
    reader = &request;
    break;
  }
  const bool may_read =
      reader != nullptr && written_ >= reader->write_mark && buffered + config_.bytes_per_cycle <= buffer_bytes_;
  const DramGrant grant = dram_.clock(cycle_, may_read);
  if (grant.read_bytes > 0) {
    SHIFTSIM_CHECK(may_read && reader->fetched + grant.read_bytes <= reader->total,
                   "DRAM gives {} bytes that no read asks for", grant.read_bytes);
    reader->fetched += grant.read_bytes;
  }
  written_ += grant.written_bytes;
  const bool waits = !requests_.empty() && cycle_ < requests_.front().first_data;
  progressed_ = grant.read_bytes > 0 || grant.written_bytes > 0 || grant.busy || waits;
}

void Dma::offer_word() {
  out_.rd_data_valid = false;
  if (requests_.empty()) return;
  const Request& request = requests_.front();
  // Even padding comes no earlier than the request's latency: the DMA works through its program in order.
  if (cycle_ < request.first_data || request.fetched < request.words.bytes_needed(request.total)) return;
  word_index_ ^= 1;
  auto* word = reinterpret_cast<std::uint8_t*>(words_[word_index_].data());
  request.words.make(memory_, word);
  out_.rd_data = word;
  out_.rd_data_valid = true;
}

bool Dma::clock(const CoreOutputs& core) {
  // Most cycles of a compute-bound layer: nothing under way and nothing asked for.
  if (requests_.empty() && !core.rd_req_valid && !core.wr_req_valid && idle()) {
    ++cycle_;
    progressed_ = false;
    return false;
  }
  bool moved = false;
  if (out_.rd_data_valid && core.rd_data_ready) {
    Request& request = requests_.front();
    request.consumed = request.words.bytes_needed(request.total);
    request.words.advance();
    moved = true;
    if (request.words.done()) {
      SHIFTSIM_CHECK(request.fetched == request.total, "layer {}: {} of {} bytes fetched", request.layer,
                     request.fetched, request.total);
      requests_.pop_front();
    }
  }
  accept_read(core);
  clock_store(core);
  transfer();
  ++cycle_;
  if (moved || !out_.rd_data_valid) offer_word();
  out_.rd_req_ready = requests_.size() < kMaxRequests;
  out_.wr_req_ready = !store_;
  const std::int64_t backlog = accepted_ - written_;
  out_.wr_data_ready = store_ && backlog + 2 * config_.burst_bytes <= buffer_bytes_;
  return true;
}

}  // namespace shiftsim::sim
