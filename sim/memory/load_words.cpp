#include "sim/memory/load_words.h"

#include <algorithm>
#include <cstring>

namespace shiftsim::sim {
namespace {

/// Rows or columns of [first, first + count) that lie in [0, size).
std::int64_t inside(int first, int count, int size) {
  return std::max(0, std::min(first + count, size) - std::max(first, 0));
}

bool contains(const qnet::Tensor& tensor, int y, int x) {
  return y >= 0 && y < tensor.height && x >= 0 && x < tensor.width;
}

std::size_t element(const qnet::Tensor& tensor, int y, int x) {
  return (static_cast<std::size_t>(y) * static_cast<std::size_t>(tensor.width) + static_cast<std::size_t>(x)) *
         static_cast<std::size_t>(tensor.channels);
}

}  // namespace

LoadWords::LoadWords(const ReadProgram& read, std::int64_t count, const qnet::Network& network, const Program& program)
    : read_(&read), network_(&network), program_(&program), count_(count) {}

void LoadWords::advance() {
  ++next_;
  if (read_->kind == ReadProgram::Kind::kWords) return;
  if (++word_ < read_->words) return;
  word_ = 0;
  if (++col_ < read_->cols) return;
  col_ = 0;
  if (++row_ < read_->rows) return;
  row_ = 0;
  ++image_;
}

LoadWords::Share LoadWords::share() const {
  const ReadProgram& p = *read_;
  if (p.kind == ReadProgram::Kind::kWords) return {next_ + 1, count_};
  const qnet::Tensor& tensor = network_->tensors[static_cast<std::size_t>(p.tensor)];
  if (p.kind == ReadProgram::Kind::kIm2row) {
    // The DMA keeps the rows of the window: a pixel needs all rows down to its window's last.
    const qnet::Layer& layer = network_->layers[static_cast<std::size_t>(p.layer)];
    const int y0 = p.y0 * layer.stride_h - layer.pad_top;
    const int reach = (layer.kernel_h - 1) * layer.dilation_h + 1;
    return {inside(y0, row_ * layer.stride_h + reach, tensor.height),
            inside(y0, (p.rows - 1) * layer.stride_h + reach, tensor.height)};
  }
  if (p.row_group > 0) {
    // Stored rows are kept whole, for all rows that repeat them.
    const int y = p.y0 + row_;
    const int next = y < 0 ? 0 : (y / p.row_group + 1) * p.row_group;
    return {inside(p.y0, std::min(next - p.y0, p.rows), tensor.height), inside(p.y0, p.rows, tensor.height)};
  }
  // Words of padding need nothing.
  const int y = p.y0 + row_;
  const int x = p.x0 + col_;
  const std::int64_t row_words = inside(p.x0, p.cols, tensor.width) * p.words;
  std::int64_t part = inside(p.y0, row_, tensor.height) * row_words;
  if (y >= 0 && y < tensor.height) part += inside(p.x0, col_, tensor.width) * p.words;
  if (contains(tensor, y, x)) part += word_ + 1;
  return {part, inside(p.y0, p.rows, tensor.height) * row_words};
}

std::int64_t LoadWords::bytes_needed(std::int64_t total) const {
  if (next_ + 1 == count_) return total;
  const Share s = share();
  if (s.whole == 0) return 0;
  const std::int64_t burst = program_->dram.burst_bytes();
  const std::int64_t bytes = ceil_div(total * (image_ * s.whole + s.part), read_->images * s.whole);
  return std::min(total, ceil_div(bytes, burst) * burst);
}

void LoadWords::make(const TensorMemory& memory, std::uint8_t* word) const {
  switch (read_->kind) {
    case ReadProgram::Kind::kWords: {
      const auto bytes = static_cast<std::size_t>(read_->word_bytes);
      std::memcpy(word, program_->image.data() + read_->offset + static_cast<std::size_t>(next_) * bytes, bytes);
      break;
    }
    case ReadProgram::Kind::kIm2row:
      make_window_word(memory, word);
      break;
    case ReadProgram::Kind::kTile:
      make_tile_word(memory, word);
      break;
  }
}

std::uint8_t LoadWords::value(const TensorMemory& memory, int y, int x, int channel) const {
  qnet::ChannelSource at{read_->tensor, channel};
  const qnet::TensorSources& sources = program_->dram.sources();
  if (sources.is_view(read_->tensor)) at = sources.of(read_->tensor, y, x, channel);
  const qnet::Tensor& stored = network_->tensors[static_cast<std::size_t>(at.tensor)];
  const std::uint8_t* const values = memory.data(at.tensor, read_->image + image_);
  return values[element(stored, at.stored_y(y), at.stored_x(x)) + static_cast<std::size_t>(at.channel)];
}

void LoadWords::make_window_word(const TensorMemory& memory, std::uint8_t* word) const {
  const ReadProgram& p = *read_;
  const qnet::Tensor& tensor = network_->tensors[static_cast<std::size_t>(p.tensor)];
  const qnet::Layer& layer = network_->layers[static_cast<std::size_t>(p.layer)];
  const int n = program_->geometry.channels;
  const int area = layer.kernel_h * layer.kernel_w * tensor.channels;
  for (int i = 0; i < n; ++i) {
    const int k = word_ * n + i;
    if (k >= area) {
      word[i] = 0;
      continue;
    }
    const int c = k % tensor.channels;
    const int tap = k / tensor.channels;
    const int y = (p.y0 + row_) * layer.stride_h - layer.pad_top + (tap / layer.kernel_w) * layer.dilation_h;
    const int x = (p.x0 + col_) * layer.stride_w - layer.pad_left + (tap % layer.kernel_w) * layer.dilation_w;
    const auto channel = static_cast<std::size_t>(c);
    if (contains(tensor, y, x)) {
      word[i] = value(memory, y, x, c);
    } else {
      word[i] = p.per_channel_pad ? layer.pad_values[channel] : static_cast<std::uint8_t>(p.pad);
    }
  }
}

void LoadWords::make_tile_word(const TensorMemory& memory, std::uint8_t* word) const {
  const ReadProgram& p = *read_;
  const qnet::Tensor& tensor = network_->tensors[static_cast<std::size_t>(p.tensor)];
  const int n = program_->geometry.channels;
  const int first = p.channel0 + word_ * n;
  const int count = std::min(n, p.channels - word_ * n);
  const auto bytes = static_cast<std::size_t>(count);
  const int y = p.y0 + row_;
  const int x = p.x0 + col_;
  if (contains(tensor, y, x)) {
    if (p.repeat == 1 && !program_->dram.sources().is_view(p.tensor)) {
      std::memcpy(word, memory.data(p.tensor, p.image + image_) + element(tensor, y, x) + first, bytes);
    } else {
      for (int i = 0; i < count; ++i) word[i] = value(memory, y, x, (first + i) / p.repeat);
    }
  } else if (p.per_channel_pad) {
    const qnet::Layer& layer = network_->layers[static_cast<std::size_t>(p.layer)];
    for (int i = 0; i < count; ++i) word[i] = layer.pad_values[static_cast<std::size_t>((first + i) / p.repeat)];
  } else {
    std::memset(word, p.pad, bytes);
  }
  std::memset(word + count, 0, static_cast<std::size_t>(n - count));
}

}  // namespace shiftsim::sim
