#include "sim/memory/store_words.h"

#include <cstring>

namespace shiftsim::sim {

StoreWords::Place StoreWords::place() const {
  const auto pixel = static_cast<int>(next_ / words_a_pixel());
  return {write_->y0 + pixel / write_->cols, write_->x0 + pixel % write_->cols,
          static_cast<int>(next_ % words_a_pixel())};
}

void StoreWords::put(const std::uint8_t* word, TensorMemory& memory) const {
  const qnet::Tensor& tensor = network_->tensors[static_cast<std::size_t>(write_->tensor)];
  const Place at = place();
  const auto channels = static_cast<std::size_t>(write_->channels);
  const auto element =
      static_cast<std::size_t>((std::int64_t{at.y} * tensor.width + at.x) * tensor.channels + write_->channel0);
  std::uint8_t* data = memory.data(write_->tensor);
  if (!write_->wide) {
    std::memcpy(data + element, word, channels);
    return;
  }
  const auto value_bytes = static_cast<std::size_t>(words_a_pixel());
  for (std::size_t i = 0; i < channels; ++i)
    data[value_bytes * (element + i) + static_cast<std::size_t>(at.byte)] = word[i];
}

std::array<DramPiece, StoreWords::kBlocks> StoreWords::pieces() const {
  const DramLayout& layout = program_->dram;
  const int n = layout.block_channels();
  const int end = write_->channel0 + write_->channels;
  const int first_block = write_->channel0 / n;
  const Place at = place();
  std::array<DramPiece, kBlocks> result{};
  for (int i = 0; i < kBlocks && (first_block + i) * n < end; ++i) {
    const int block = first_block + i;
    const std::uint64_t pixel = layout.pixel_address(write_->tensor, block, at.y, at.x);
    // The four words of 32-bit outputs stand behind each other: a byte of each channel of the block in each.
    const ByteSpan span = layout.channel_span(write_->tensor, block, write_->channel0, end);
    const int words = words_a_pixel();
    const int before = at.byte * layout.pixel_bytes(write_->tensor, block) / words;
    result[static_cast<std::size_t>(i)] = {pixel + static_cast<std::uint64_t>(before + span.first / words),
                                           span.bytes / words};
  }
  return result;
}

}  // namespace shiftsim::sim
