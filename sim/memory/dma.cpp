#include "sim/memory/dma.h"

#include <algorithm>

#include "common/error.h"
#include "sim/compiler/read_bursts.h"
#include "sim/memory/latency_bandwidth_dram.h"
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
      memory_(memory),
      events_(network.layers.size()),
      buffer_bytes_(read_buffer_bytes(network, program, config)) {
  const Geometry& g = program.geometry;
  const auto bytes = static_cast<std::size_t>(std::max({g.act_word_bytes(), g.wgt_word_bytes(), g.tab_word_bytes()}));
  for (auto& word : words_) word.resize(ceil_div<std::size_t>(bytes, 4));
  channel(MemoryLevel::kDram) = {&dram, config.bytes_per_cycle};
  if (program.l2.kib == 0) return;
  // The second-level buffer has a latency and a bandwidth, as the first DRAM has.
  l2_ = std::make_unique<LatencyBandwidthDram>(
      DramConfig{program.l2.latency_cycles, program.l2.bytes_per_cycle, config.burst_bytes});
  channel(MemoryLevel::kL2) = {l2_.get(), program.l2.bytes_per_cycle};
}

/// Bytes of bursts that are complete and not yet written.
std::int64_t Dma::backlog() const {
  std::int64_t bytes = 0;
  for (const Channel& one : channels_) bytes += one.accepted - one.written;
  return bytes;
}

void Dma::accept_read(const CoreOutputs& core) {
  if (!core.rd_req_valid || !out_.rd_req_ready) return;
  const ReadProgram& read = program_.reads[core.rd_req_id];
  const BurstList bursts = read_bursts(read, network_, program_.dram);
  Request request{LoadWords(read, core.rd_req_count, network_, program_)};
  request.level = program_.level_of(read);
  request.first_data = channel(request.level).model->read(bursts.runs(), read.layer, cycle_);
  request.write_mark = channel(request.level).accepted;
  request.total = bursts.bytes();
  request.layer = read.layer;
  if (read.copy && !bursts.runs().empty()) request.copy = *read.copy + (bursts.runs().front().address - read.address);
  add_read(request.level, request.total, config_.burst_bytes, events_[static_cast<std::size_t>(read.layer)]);
  requests_.push_back(request);
}

void Dma::clock_store(const CoreOutputs& core) {
  if (core.wr_req_valid && out_.wr_req_ready) {
    const WriteProgram& write = program_.writes[core.wr_req_id];
    store_ = Store{StoreWords(write, core.wr_req_count, network_, program_), program_.dram.level(write.tensor)};
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
  Channel& to = channel(store_->level);
  to.model->write({*open * static_cast<std::uint64_t>(bytes), bytes}, layer, cycle_);
  open.reset();
  to.accepted += bytes;
  add_write(store_->level, bytes, bytes, events_[static_cast<std::size_t>(layer)]);
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
  const Channel* const from = reader != nullptr ? &channel(reader->level) : nullptr;
  const bool may_read = from != nullptr && from->written >= reader->write_mark &&
                        buffered + from->bytes_per_cycle <= buffer_bytes_ &&
                        (!reader->copies() || backlog() + from->bytes_per_cycle + config_.burst_bytes <= buffer_bytes_);
  progressed_ = !requests_.empty() && cycle_ < requests_.front().first_data;
  for (Channel& one : channels_) {
    if (one.model == nullptr) continue;
    const bool reads = may_read && &one == from;
    const DramGrant grant = one.model->clock(cycle_, reads);
    if (grant.read_bytes > 0) {
      SHIFTSIM_CHECK(reads && reader->fetched + grant.read_bytes <= reader->total,
                     "memory gives {} bytes that no read asks for", grant.read_bytes);
      reader->fetched += grant.read_bytes;
    }
    one.written += grant.written_bytes;
    progressed_ = progressed_ || grant.read_bytes > 0 || grant.written_bytes > 0 || grant.busy;
  }
  if (reader != nullptr && reader->copies()) copy_fetched(*reader);
}

/// Bursts that are whole go into the second-level buffer. Reads behind the last of them wait for it.
void Dma::copy_fetched(Request& request) {
  const std::int64_t burst = config_.burst_bytes;
  Channel& to = channel(MemoryLevel::kL2);
  for (; request.copied + burst <= request.fetched; request.copied += burst) {
    to.model->write({*request.copy + static_cast<std::uint64_t>(request.copied), burst}, request.layer, cycle_);
    to.accepted += burst;
    add_write(MemoryLevel::kL2, burst, burst, events_[static_cast<std::size_t>(request.layer)]);
  }
  if (request.copies()) return;
  for (Request& later : requests_)
    if (later.level == MemoryLevel::kL2 && later.fetched == 0) later.write_mark = to.accepted;
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
  out_.wr_data_ready = store_ && backlog() + 2 * config_.burst_bytes <= buffer_bytes_;
  return true;
}

}  // namespace shiftsim::sim
