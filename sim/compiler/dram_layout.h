// Where tensors, weights and tables stand: in DRAM, or in the second-level buffer. docs/hardware.md, "DRAM and DMA".
#pragma once

#include <cstdint>
#include <vector>

#include "qnet/network.h"
#include "qnet/tensor_sources.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

/// Bytes [first, first + bytes) of a pixel.
struct ByteSpan {
  int first = 0, bytes = 0;
};

/// What has a place in DRAM: a tensor, or the weights and tables of a layer.
struct DramArea {
  enum class Kind : std::uint8_t { kTensor, kParameters } kind = Kind::kTensor;
  int index = 0;              ///< of the tensor or of the layer
  std::uint64_t address = 0;  ///< in its level
  std::int64_t bytes = 0;     ///< of the tensors of all images of a batch
  MemoryLevel level = MemoryLevel::kDram;
};

/// Bytes [address, address + bytes) of the second-level buffer.
struct L2Room {
  std::uint64_t address = 0;
  std::int64_t bytes = 0;
};

/// A tensor stands in blocks of 'block_channels' channels. A block is H x W pixels of ceil(channels * bits / 8) bytes,
/// so that the rows of a block are contiguous. Every image of a batch has a copy of each tensor, one behind the other.
/// Copies and areas begin at whole bursts.
class DramLayout {
public:
  DramLayout() = default;
  /// Gives every tensor of the network its place: in the second-level buffer of 'l2_bytes' (0: there is none) or in
  /// DRAM. 'burst_bytes': at least 1. 'weight_bytes': of each layer's weights and tables that a copy in the buffer may
  /// serve, 0: none; empty: none of any. 'batch': images that are run together.
  DramLayout(const qnet::Network& network, int block_channels, int burst_bytes, std::int64_t l2_bytes = 0,
             std::vector<std::int64_t> weight_bytes = {}, int batch = 1);

  int block_channels() const { return block_channels_; }
  int burst_bytes() const { return burst_bytes_; }
  /// Images that are run together.
  int batch() const { return batch_; }
  /// Bytes of a pixel in one block of a tensor.
  int pixel_bytes(int tensor, int block) const;
  /// The bytes of a pixel in one block that hold channels of [channel0, channel1). The block must have one of them.
  ByteSpan channel_span(int tensor, int block, int channel0, int channel1) const;
  /// First byte of pixel (y, x) in one block of a tensor of an image of the batch.
  std::uint64_t pixel_address(int tensor, int block, int y, int x, int image = 0) const;
  /// The tensors that a view reads stand in one level.
  MemoryLevel level(int tensor) const { return tensors_[static_cast<std::size_t>(tensor)].level; }
  /// Room in the second-level buffer for a copy of a layer's weights and tables; 0 bytes: none.
  L2Room weight_room(int layer) const { return weight_rooms_[static_cast<std::size_t>(layer)]; }
  /// Where the values of views stand. Views have neither an address nor pixels.
  const qnet::TensorSources& sources() const { return sources_; }
  std::uint64_t tensor_address(int tensor) const { return tensors_[static_cast<std::size_t>(tensor)].base; }
  /// Bytes from an image's tensor to the one of the next image.
  std::int64_t image_pitch(int tensor) const { return tensors_[static_cast<std::size_t>(tensor)].image_pitch; }
  /// Takes 'bytes' behind all that has a place, for weights or a table of a layer.
  std::uint64_t allocate_parameters(int layer, std::int64_t bytes);
  /// The memory map: the tensors, then each layer's weights and tables as one area; of each level by address.
  const std::vector<DramArea>& areas() const { return areas_; }
  /// Bytes from address 0 to the end of what has a place in DRAM.
  std::uint64_t size() const { return end_; }

private:
  struct Place {
    std::uint64_t base = 0;
    int height = 1, width = 1, channels = 1, bits = 8;
    std::int64_t image_pitch = 0;
    MemoryLevel level = MemoryLevel::kDram;
  };

  std::uint64_t allocate(std::int64_t bytes);

  int block_channels_ = 1, burst_bytes_ = 1, batch_ = 1;
  qnet::TensorSources sources_;
  std::vector<Place> tensors_;
  std::vector<L2Room> weight_rooms_;
  std::vector<DramArea> areas_;
  std::uint64_t end_ = 0;
};

/// Consecutive, whole, aligned bursts.
struct BurstRun {
  std::uint64_t address = 0;
  std::int64_t bytes = 0;
};

/// Counts the bursts that touch what is read or written, in the order of the accesses. A burst that is still open
/// serves the next access, too: it is counted once.
class BurstCounter {
public:
  explicit BurstCounter(int burst_bytes) : burst_bytes_(static_cast<std::uint64_t>(burst_bytes)) {}

  /// Adds bytes [address, address + bytes). 'bytes' 0: nothing. Returns the bursts that are new.
  BurstRun add(std::uint64_t address, std::int64_t bytes) {
    if (bytes <= 0) return {};
    std::uint64_t first = address / burst_bytes_;
    const std::uint64_t end = (address + static_cast<std::uint64_t>(bytes) - 1) / burst_bytes_ + 1;
    // 'end_' is 0 as long as no burst is open.
    if (first + 1 == end_) ++first;
    if (first >= end) return {};
    end_ = end;
    const auto added = static_cast<std::int64_t>((end - first) * burst_bytes_);
    bytes_ += added;
    return {first * burst_bytes_, added};
  }
  std::int64_t bytes() const { return bytes_; }

private:
  std::uint64_t burst_bytes_;
  std::uint64_t end_ = 0;  ///< number of the open burst + 1
  std::int64_t bytes_ = 0;
};

/// The same bursts themselves.
class BurstList {
public:
  explicit BurstList(int burst_bytes) : counter_(burst_bytes) {}

  void add(std::uint64_t address, std::int64_t bytes);
  const std::vector<BurstRun>& runs() const { return runs_; }
  std::int64_t bytes() const { return counter_.bytes(); }

private:
  BurstCounter counter_;
  std::vector<BurstRun> runs_;
};

}  // namespace shiftsim::sim
