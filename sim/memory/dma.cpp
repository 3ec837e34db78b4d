#include "sim/memory/dma.h"

#include <algorithm>
#include <cstring>

#include "common/error.h"

namespace shiftsim::sim {
namespace {

constexpr std::size_t kMaxRequests = 4;
/// Bytes fetched ahead of the core, in bursts; also the depth of the write buffer.
constexpr int kBufferBursts = 16;

/// Rows or columns of [first, first + count) that lie in [0, size).
int inside(int first, int count, int size) {
  return std::max(0, std::min(first + count, size) - std::max(first, 0));
}

}  // namespace

Dma::Dma(const qnet::Network& network, const Program& program, const DramConfig& config, TensorMemory& memory)
    : network_(network), program_(program), config_(config), memory_(memory), events_(network.layers.size()) {
  const Geometry& g = program.geometry;
  const auto bytes = static_cast<std::size_t>(std::max({g.act_word_bytes(), g.wgt_word_bytes(), g.tab_word_bytes()}));
  for (auto& word : words_) word.resize(ceil_div<std::size_t>(bytes, 4));
  // The buffer must hold what one word can wait for: a weight word, a pixel, or the rows of an im2row window.
  std::int64_t widest = 0;
  for (const ReadProgram& read : program.reads) {
    std::int64_t bytes_waited = ceil_div(read.word_dram_bits, 8);
    if (read.kind != ReadProgram::Kind::kWords) bytes_waited = pixel_bytes(read);
    if (read.kind == ReadProgram::Kind::kIm2row) {
      const qnet::Layer& layer = network.layers[static_cast<std::size_t>(read.layer)];
      const int rows = std::max((layer.kernel_h - 1) * layer.dilation_h + 1, layer.stride_h);
      bytes_waited *= static_cast<std::int64_t>(rows) * network.tensors[static_cast<std::size_t>(read.tensor)].width;
    }
    widest = std::max(widest, bytes_waited);
  }
  buffer_bytes_ = std::max<std::int64_t>(kBufferBursts * config.burst_bytes,
                                         round_to_burst(widest) + config.burst_bytes + config.bytes_per_cycle);
}

std::int64_t Dma::round_to_burst(std::int64_t bytes) const {
  return ceil_div<std::int64_t>(bytes, config_.burst_bytes) * config_.burst_bytes;
}

int Dma::pixel_bytes(const ReadProgram& p) const {
  const qnet::Tensor& tensor = network_.tensors[static_cast<std::size_t>(p.tensor)];
  if (p.kind == ReadProgram::Kind::kIm2row) return ceil_div(tensor.channels * tensor.bits, 8);
  const int n = program_.geometry.channels;
  const int channels = ceil_div(p.channels, p.repeat);
  int bytes = 0;
  for (int first = 0; first < channels; first += n) bytes += ceil_div(std::min(n, channels - first) * tensor.bits, 8);
  return bytes;
}

std::int64_t Dma::total_cost(const ReadProgram& p) const {
  if (p.kind == ReadProgram::Kind::kWords)
    return round_to_burst(ceil_div<std::int64_t>(static_cast<std::int64_t>(p.count) * p.word_dram_bits, 8));
  const qnet::Tensor& tensor = network_.tensors[static_cast<std::size_t>(p.tensor)];
  int y0 = p.y0, x0 = p.x0, rows = p.rows, cols = p.cols;
  if (p.kind == ReadProgram::Kind::kIm2row) {
    const qnet::Layer& layer = network_.layers[static_cast<std::size_t>(p.layer)];
    y0 = p.y0 * layer.stride_h - layer.pad_top, x0 = p.x0 * layer.stride_w - layer.pad_left;
    rows = (p.rows - 1) * layer.stride_h + (layer.kernel_h - 1) * layer.dilation_h + 1;
    cols = (p.cols - 1) * layer.stride_w + (layer.kernel_w - 1) * layer.dilation_w + 1;
  }
  const int valid_rows = inside(y0, rows, tensor.height), valid_cols = inside(x0, cols, tensor.width);
  // Whole rows follow each other in DRAM: one piece for the tile. Else one piece a row.
  const std::int64_t pixels =
      valid_cols == tensor.width ? static_cast<std::int64_t>(valid_rows) * valid_cols : valid_cols;
  const std::int64_t pieces = valid_cols == tensor.width ? 1 : valid_rows;
  if (pixels == 0 || valid_rows == 0) return 0;
  // Each block of channels is a stream of its own.
  const int n = program_.geometry.channels;
  const int channels = p.kind == ReadProgram::Kind::kIm2row ? tensor.channels : ceil_div(p.channels, p.repeat);
  std::int64_t cost = 0;
  for (int first = 0; first < channels; first += n)
    cost += pieces * round_to_burst(pixels * ceil_div(std::min(n, channels - first) * tensor.bits, 8));
  return cost;
}

std::int64_t Dma::need(const Request& r) const {
  // The share of the request's bytes that its words up to the next one make up, in whole bursts.
  const ReadProgram& p = *r.program;
  if (r.next + 1 == r.count) return r.total;
  std::int64_t part = r.next + 1, whole = r.count;
  if (p.kind != ReadProgram::Kind::kWords) {
    const qnet::Tensor& tensor = network_.tensors[static_cast<std::size_t>(p.tensor)];
    if (p.kind == ReadProgram::Kind::kIm2row) {
      // The DMA keeps the rows of the window: a pixel needs all rows down to its window's last.
      const qnet::Layer& layer = network_.layers[static_cast<std::size_t>(p.layer)];
      const int y0 = p.y0 * layer.stride_h - layer.pad_top, reach = (layer.kernel_h - 1) * layer.dilation_h + 1;
      part = inside(y0, r.row * layer.stride_h + reach, tensor.height);
      whole = inside(y0, (p.rows - 1) * layer.stride_h + reach, tensor.height);
    } else {
      // Words of padding need nothing.
      const int y = p.y0 + r.row, x = p.x0 + r.col;
      const std::int64_t valid_cols = inside(p.x0, p.cols, tensor.width);
      part = inside(p.y0, r.row, tensor.height) * valid_cols * p.words;
      if (y >= 0 && y < tensor.height)
        part += inside(p.x0, r.col, tensor.width) * p.words + (x >= 0 && x < tensor.width ? r.word + 1 : 0);
      whole = inside(p.y0, p.rows, tensor.height) * valid_cols * p.words;
    }
    if (whole == 0) return 0;
  }
  return std::min(r.total, round_to_burst(ceil_div(r.total * part, whole)));
}

void Dma::advance(Request& r) const {
  ++r.next;
  if (++r.word == r.program->words) {
    r.word = 0;
    if (++r.col == r.program->cols) r.col = 0, ++r.row;
  }
}

void Dma::make_word(const Request& r, std::uint8_t* word) const {
  const ReadProgram& p = *r.program;
  if (p.kind == ReadProgram::Kind::kWords) {
    std::memcpy(word, program_.image.data() + p.offset + static_cast<std::size_t>(r.next * p.word_bytes),
                static_cast<std::size_t>(p.word_bytes));
    return;
  }
  const int n = program_.geometry.channels;
  const qnet::Tensor& tensor = network_.tensors[static_cast<std::size_t>(p.tensor)];
  const qnet::Layer& layer = network_.layers[static_cast<std::size_t>(p.layer)];
  const std::uint8_t* data = memory_.data(p.tensor);
  const int first = r.word * n;
  if (p.kind == ReadProgram::Kind::kIm2row) {
    const int oy = p.y0 + r.row, ox = p.x0 + r.col, area = layer.kernel_h * layer.kernel_w * tensor.channels;
    for (int i = 0; i < n; ++i) {
      const int k = first + i;
      if (k >= area) {
        word[i] = 0;
        continue;
      }
      const int c = k % tensor.channels, tap = k / tensor.channels;
      const int y = oy * layer.stride_h - layer.pad_top + (tap / layer.kernel_w) * layer.dilation_h;
      const int x = ox * layer.stride_w - layer.pad_left + (tap % layer.kernel_w) * layer.dilation_w;
      const bool in = y >= 0 && y < tensor.height && x >= 0 && x < tensor.width;
      word[i] =
          in ? data[(static_cast<std::size_t>(y) * static_cast<std::size_t>(tensor.width) +
                     static_cast<std::size_t>(x)) *
                        static_cast<std::size_t>(tensor.channels) +
                    static_cast<std::size_t>(c)]
             : (p.per_channel_pad ? layer.pad_values[static_cast<std::size_t>(c)] : static_cast<std::uint8_t>(p.pad));
    }
    return;
  }
  const int y = p.y0 + r.row, x = p.x0 + r.col;
  const int count = std::min(n, p.channels - first);
  const bool in = y >= 0 && y < tensor.height && x >= 0 && x < tensor.width;
  if (in) {
    const std::uint8_t* pixel =
        data + (static_cast<std::size_t>(y) * static_cast<std::size_t>(tensor.width) + static_cast<std::size_t>(x)) *
                   static_cast<std::size_t>(tensor.channels);
    if (p.repeat == 1)
      std::memcpy(word, pixel + p.channel0 + first, static_cast<std::size_t>(count));
    else
      for (int i = 0; i < count; ++i) word[i] = pixel[(p.channel0 + first + i) / p.repeat];
  } else if (p.per_channel_pad) {
    for (int i = 0; i < count; ++i)
      word[i] = layer.pad_values[static_cast<std::size_t>((p.channel0 + first + i) / p.repeat)];
  } else {
    std::memset(word, p.pad, static_cast<std::size_t>(count));
  }
  std::memset(word + count, 0, static_cast<std::size_t>(n - count));
}

void Dma::accept_read(const CoreOutputs& core) {
  if (!core.rd_req_valid || !out_.rd_req_ready) return;
  Request request;
  request.program = &program_.reads[core.rd_req_id];
  request.ready_cycle = cycle_ + config_.latency_cycles;
  request.write_mark = accepted_;
  request.total = total_cost(*request.program);
  request.count = core.rd_req_count;
  Events& ev = events_[static_cast<std::size_t>(request.program->layer)];
  ev.dram_read_bytes += request.total;
  ev.dram_bursts += request.total / config_.burst_bytes;
  requests_.push_back(request);
}

void Dma::clock_write(const CoreOutputs& core) {
  if (core.wr_req_valid && out_.wr_req_ready) {
    write_ = &program_.writes[core.wr_req_id];
    writing_ = true;
    write_next_ = 0, write_count_ = core.wr_req_count, write_unit_ = 0;
    return;
  }
  if (!core.wr_data_valid || !out_.wr_data_ready) return;
  const WriteProgram& w = *write_;
  const qnet::Tensor& tensor = network_.tensors[static_cast<std::size_t>(w.tensor)];
  const std::int64_t words_per_pixel = w.wide ? 4 : 1;
  const std::int64_t pixel = write_next_ / words_per_pixel, byte = write_next_ % words_per_pixel;
  const std::int64_t y = w.y0 + pixel / w.cols, x = w.x0 + pixel % w.cols;
  const auto element = static_cast<std::size_t>((y * tensor.width + x) * tensor.channels + w.channel0);
  std::uint8_t* data = memory_.data(w.tensor);
  if (w.wide)
    for (int i = 0; i < w.channels; ++i)
      data[4 * (element + static_cast<std::size_t>(i)) + static_cast<std::size_t>(byte)] = core.wr_data[i];
  else
    std::memcpy(data + element, core.wr_data, static_cast<std::size_t>(w.channels));

  // Contiguous pieces are rounded up to bursts: the whole tile where its rows are whole, else each row.
  const std::int64_t bytes = ceil_div(w.channels * (w.wide ? 8 : tensor.bits), 8);
  write_unit_ += bytes;
  ++write_next_;
  std::int64_t added = bytes;
  const bool row_end = write_next_ % (w.cols * words_per_pixel) == 0;
  if (write_next_ == write_count_ || (row_end && w.cols != tensor.width)) {
    added += round_to_burst(write_unit_) - write_unit_;
    Events& ev = events_[static_cast<std::size_t>(w.layer)];
    ev.dram_write_bytes += round_to_burst(write_unit_);
    ev.dram_bursts += round_to_burst(write_unit_) / config_.burst_bytes;
    write_unit_ = 0;
  }
  backlog_ += added, accepted_ += added;
  if (write_next_ == write_count_) writing_ = false;
}

void Dma::transfer() {
  progressed_ = false;
  // The first request with bytes to fetch, if its data is due and the buffer has room.
  Request* reader = nullptr;
  std::int64_t buffered = 0;
  for (Request& request : requests_) {
    buffered += request.fetched - request.consumed;
    if (request.fetched == request.total) continue;
    progressed_ = cycle_ < request.ready_cycle;
    if (cycle_ >= request.ready_cycle && written_ >= request.write_mark &&
        buffered + config_.bytes_per_cycle <= buffer_bytes_)
      reader = &request;
    break;
  }
  const bool write = backlog_ > 0 && (reader == nullptr || !last_grant_write_);
  if (write) {
    const std::int64_t bytes = std::min<std::int64_t>(backlog_, config_.bytes_per_cycle);
    backlog_ -= bytes, written_ += bytes;
  } else if (reader != nullptr) {
    reader->fetched = std::min(reader->total, reader->fetched + config_.bytes_per_cycle);
  }
  progressed_ = progressed_ || write || reader != nullptr;
  last_grant_write_ = write;
}

void Dma::offer_word() {
  out_.rd_data_valid = false;
  if (requests_.empty()) return;
  const Request& request = requests_.front();
  // Even padding comes no earlier than the request's latency: the DMA works through its program in order.
  if (cycle_ < request.ready_cycle || request.fetched < need(request)) return;
  word_index_ ^= 1;
  auto* word = reinterpret_cast<std::uint8_t*>(words_[word_index_].data());
  make_word(request, word);
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
    request.consumed = need(request);
    advance(request);
    moved = true;
    if (request.next == request.count) {
      SHIFTSIM_CHECK(request.fetched == request.total, "layer {}: {} of {} bytes fetched", request.program->layer,
                     request.fetched, request.total);
      requests_.pop_front();
    }
  }
  accept_read(core);
  clock_write(core);
  transfer();
  ++cycle_;
  if (moved || !out_.rd_data_valid) offer_word();
  out_.rd_req_ready = requests_.size() < kMaxRequests;
  out_.wr_req_ready = !writing_;
  out_.wr_data_ready = writing_ && backlog_ + 2 * config_.burst_bytes <= buffer_bytes_;
  return true;
}

}  // namespace shiftsim::sim
