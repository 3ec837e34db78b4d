#include "sim/memory/store_words.h"

#include <cstring>

namespace shiftsim::sim {

StoreWords::StoreWords(const WriteProgram& write, std::int64_t count, const qnet::Network& network,
                       const Program& program)
    : write_(&write),
      network_(&network),
      program_(&program),
      left_(count),
      image_(write.image),
      y_(write.y0),
      x_(write.x0) {
  find_pieces();
}

void StoreWords::advance() {
  if (--left_ == 0) return;
  if (++byte_ < words_a_pixel()) {
    find_pieces();
    return;
  }
  byte_ = 0;
  if (++x_ == write_->x0 + write_->cols) {
    x_ = write_->x0;
    if (++y_ == write_->y0 + write_->rows) {
      y_ = write_->y0;
      ++image_;
    }
  }
  if (write_->wide || x_ == write_->x0) {
    find_pieces();
    return;
  }
  for (std::size_t i = 0; i < pieces_.size(); ++i) pieces_[i].address += pitch_[i];
}

void StoreWords::put(const std::uint8_t* word, TensorMemory& memory) const {
  const qnet::Tensor& tensor = network_->tensors[static_cast<std::size_t>(write_->tensor)];
  const auto channels = static_cast<std::size_t>(write_->channels);
  const auto element =
      static_cast<std::size_t>((std::int64_t{y_} * tensor.width + x_) * tensor.channels + write_->channel0);
  std::uint8_t* data = memory.data(write_->tensor, image_);
  if (!write_->wide) {
    std::memcpy(data + element, word, channels);
    return;
  }
  const auto value_bytes = static_cast<std::size_t>(words_a_pixel());
  for (std::size_t i = 0; i < channels; ++i)
    data[value_bytes * (element + i) + static_cast<std::size_t>(byte_)] = word[i];
}

void StoreWords::find_pieces() {
  const DramLayout& layout = program_->dram;
  const int n = layout.block_channels();
  const int end = write_->channel0 + write_->channels;
  const int first_block = write_->channel0 / n;
  for (int i = 0; i < kBlocks && (first_block + i) * n < end; ++i) {
    const int block = first_block + i;
    const int pitch = layout.pixel_bytes(write_->tensor, block);
    const std::uint64_t pixel = layout.pixel_address(write_->tensor, block, y_, x_, image_);
    // The four words of 32-bit outputs stand behind each other: a byte of each channel of the block in each.
    const ByteSpan span = layout.channel_span(write_->tensor, block, write_->channel0, end);
    const int words = words_a_pixel();
    const int before = byte_ * pitch / words;
    const auto at = static_cast<std::size_t>(i);
    pieces_[at] = {pixel + static_cast<std::uint64_t>(before + span.first / words), span.bytes / words};
    pitch_[at] = static_cast<std::uint64_t>(pitch);
  }
}

}  // namespace shiftsim::sim
