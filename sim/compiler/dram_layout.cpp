#include "sim/compiler/dram_layout.h"

#include <algorithm>

#include "sim/compiler/l2_allocation.h"

namespace shiftsim::sim {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

DramLayout::DramLayout(const qnet::Network& network, int block_channels, int burst_bytes, std::int64_t l2_bytes,
                       std::vector<std::int64_t> weight_bytes, int batch)
    : block_channels_(block_channels), burst_bytes_(burst_bytes), batch_(batch), sources_(network) {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> whole_bursts;
  for (const qnet::Tensor& tensor : network.tensors) {
    tensors_.push_back({0, tensor.height, tensor.width, tensor.channels, tensor.bits});
    const int index = static_cast<int>(tensors_.size()) - 1;
    std::int64_t bytes = 0;
    for (int first = 0; first < tensor.channels; first += block_channels)
      bytes += std::int64_t{tensor.height} * tensor.width * pixel_bytes(index, first / block_channels);
    const auto pitch =
        static_cast<std::int64_t>(round_up(static_cast<std::uint64_t>(bytes), static_cast<std::uint64_t>(burst_bytes)));
    tensors_.back().image_pitch = pitch;
    sizes.push_back((batch - 1) * pitch + bytes);
    whole_bursts.push_back(batch * pitch);
  }
  weight_bytes.resize(network.layers.size());
  const L2Places places = allocate_l2(network, whole_bursts, weight_bytes, l2_bytes);
  const auto& on_chip = places.tensors;
  for (std::size_t i = 0; i < weight_bytes.size(); ++i) {
    const auto& place = places.weights[i];
    weight_rooms_.push_back(place ? L2Room{static_cast<std::uint64_t>(*place), weight_bytes[i]} : L2Room{});
  }
  for (std::size_t t = 0; t < tensors_.size(); ++t) {
    if (sources_.is_view(static_cast<int>(t))) {
      tensors_[t].level = tensors_[static_cast<std::size_t>(sources_.stored(static_cast<int>(t)).front())].level;
      continue;
    }
    tensors_[t].level = on_chip[t] ? MemoryLevel::kL2 : MemoryLevel::kDram;
    tensors_[t].base = on_chip[t] ? static_cast<std::uint64_t>(*on_chip[t]) : allocate(sizes[t]);
    areas_.push_back({DramArea::Kind::kTensor, static_cast<int>(t), tensors_[t].base, sizes[t], tensors_[t].level});
  }
}

int DramLayout::pixel_bytes(int tensor, int block) const {
  const Place& place = tensors_[static_cast<std::size_t>(tensor)];
  const int channels = std::min(block_channels_, place.channels - block * block_channels_);
  return (channels * place.bits + 7) / 8;
}

ByteSpan DramLayout::channel_span(int tensor, int block, int channel0, int channel1) const {
  const int bits = tensors_[static_cast<std::size_t>(tensor)].bits;
  const int low = std::max(channel0 - block * block_channels_, 0);
  const int high = std::min(channel1 - block * block_channels_, block_channels_);
  const int first = low * bits / 8;
  return {first, (high * bits + 7) / 8 - first};
}

std::uint64_t DramLayout::pixel_address(int tensor, int block, int y, int x, int image) const {
  const Place& place = tensors_[static_cast<std::size_t>(tensor)];
  const auto pixels = static_cast<std::uint64_t>(place.height) * static_cast<std::uint64_t>(place.width);
  // All blocks before this one are full.
  const auto full = static_cast<std::uint64_t>(block > 0 ? pixel_bytes(tensor, 0) : 0);
  const auto pixel =
      static_cast<std::uint64_t>(y) * static_cast<std::uint64_t>(place.width) + static_cast<std::uint64_t>(x);
  return place.base + static_cast<std::uint64_t>(image * place.image_pitch) +
         static_cast<std::uint64_t>(block) * pixels * full +
         pixel * static_cast<std::uint64_t>(pixel_bytes(tensor, block));
}

std::uint64_t DramLayout::allocate(std::int64_t bytes) {
  const std::uint64_t base = round_up(end_, static_cast<std::uint64_t>(burst_bytes_));
  end_ = base + static_cast<std::uint64_t>(bytes);
  return base;
}

std::uint64_t DramLayout::allocate_parameters(int layer, std::int64_t bytes) {
  const std::uint64_t address = allocate(bytes);
  if (areas_.empty() || areas_.back().kind != DramArea::Kind::kParameters || areas_.back().index != layer)
    areas_.push_back({DramArea::Kind::kParameters, layer, address, 0});
  DramArea& area = areas_.back();
  area.bytes = static_cast<std::int64_t>(end_ - area.address);
  return address;
}

void BurstList::add(std::uint64_t address, std::int64_t bytes) {
  const BurstRun added = counter_.add(address, bytes);
  if (added.bytes == 0) return;
  if (!runs_.empty() && runs_.back().address + static_cast<std::uint64_t>(runs_.back().bytes) == added.address) {
    runs_.back().bytes += added.bytes;
  } else {
    runs_.push_back(added);
  }
}

}  // namespace shiftsim::sim
