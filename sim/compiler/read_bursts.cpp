#include "sim/compiler/read_bursts.h"

#include <algorithm>
#include <tuple>

namespace shiftsim::sim {
namespace {

/// Pixels of a tensor: rows [y0, y1), columns [x0, x1).
struct Area {
  int y0, y1, x0, x1;
};

/// The tensor's pixels that a load reads; padding is left out.
Area area_of(const ReadProgram& read, const qnet::Network& network) {
  const qnet::Tensor& tensor = network.tensors[static_cast<std::size_t>(read.tensor)];
  int y0 = read.y0;
  int x0 = read.x0;
  int rows = read.rows;
  int cols = read.cols;
  if (read.kind == ReadProgram::Kind::kIm2row) {
    const qnet::Layer& layer = network.layers[static_cast<std::size_t>(read.layer)];
    y0 = read.y0 * layer.stride_h - layer.pad_top;
    x0 = read.x0 * layer.stride_w - layer.pad_left;
    rows = (read.rows - 1) * layer.stride_h + (layer.kernel_h - 1) * layer.dilation_h + 1;
    cols = (read.cols - 1) * layer.stride_w + (layer.kernel_w - 1) * layer.dilation_w + 1;
  }
  return {std::max(y0, 0), std::min(y0 + rows, tensor.height), std::max(x0, 0), std::min(x0 + cols, tensor.width)};
}

/// The same bytes of every pixel of an area in one block.
template <typename Bursts>
void add_pixels(const Area& area, int image, int tensor, int block, const ByteSpan& span, int width,
                const DramLayout& layout, Bursts& bursts) {
  const int pitch = layout.pixel_bytes(tensor, block);
  const auto start = [&](int y, int x) {
    return layout.pixel_address(tensor, block, y, x, image) + static_cast<std::uint64_t>(span.first);
  };
  if (pitch - span.bytes >= layout.burst_bytes()) {
    // Whole bursts lie between what is wanted of two pixels.
    for (int y = area.y0; y < area.y1; ++y)
      for (int x = area.x0; x < area.x1; ++x) bursts.add(start(y, x), span.bytes);
    return;
  }
  // Whole rows follow each other: one piece. Else one piece a row.
  const bool whole_rows = area.x0 == 0 && area.x1 == width;
  const int rows_a_piece = whole_rows ? area.y1 - area.y0 : 1;
  const std::int64_t pixels = std::int64_t{rows_a_piece} * (area.x1 - area.x0);
  for (int y = area.y0; y < area.y1; y += rows_a_piece)
    bursts.add(start(y, area.x0), (pixels - 1) * pitch + span.bytes);
}

/// The channels of its tensor that a load reads.
struct ChannelRange {
  int first, end;
};

ChannelRange channels_of(const ReadProgram& read, const qnet::Network& network) {
  if (read.kind == ReadProgram::Kind::kIm2row)
    return {0, network.tensors[static_cast<std::size_t>(read.tensor)].channels};
  return {read.channel0 / read.repeat, (read.channel0 + read.channels - 1) / read.repeat + 1};
}

/// What a load reads of one area of a view.
template <typename Bursts>
void add_view_area(const ReadProgram& read, const Area& wanted, int image, const qnet::SourceArea& source,
                   const qnet::Network& network, const DramLayout& layout, Bursts& bursts) {
  const Area area = {std::max(wanted.y0, source.y0), std::min(wanted.y1, source.y1), std::max(wanted.x0, source.x0),
                     std::min(wanted.x1, source.x1)};
  if (area.y0 >= area.y1 || area.x0 >= area.x1) return;
  for (const BlockPart& part : block_parts(read, network, layout, source)) {
    const qnet::ChannelSource& at = part.first;
    const Area stored = {at.stored_y(area.y0), at.stored_y(area.y1 - 1) + 1, at.stored_x(area.x0),
                         at.stored_x(area.x1 - 1) + 1};
    const ByteSpan span = layout.channel_span(at.tensor, part.block, part.channel0, part.channel1);
    const int width = network.tensors[static_cast<std::size_t>(at.tensor)].width;
    add_pixels(stored, image, at.tensor, part.block, span, width, layout, bursts);
  }
}

/// What a load reads of one image.
template <typename Bursts>
void add_image(const ReadProgram& read, const Area& area, int image, const qnet::Network& network,
               const DramLayout& layout, Bursts& bursts) {
  if (layout.sources().is_view(read.tensor)) {
    for (const qnet::SourceArea& source : layout.sources().of(read.tensor))
      add_view_area(read, area, image, source, network, layout, bursts);
    return;
  }
  const ChannelRange channels = channels_of(read, network);
  const int width = network.tensors[static_cast<std::size_t>(read.tensor)].width;
  const int n = layout.block_channels();
  for (int block = channels.first / n; block * n < channels.end; ++block) {
    const ByteSpan span = layout.channel_span(read.tensor, block, channels.first, channels.end);
    add_pixels(area, image, read.tensor, block, span, width, layout, bursts);
  }
}

template <typename Bursts>
Bursts bursts_of(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout) {
  Bursts bursts(layout.burst_bytes());
  if (read.kind == ReadProgram::Kind::kWords) {
    const std::int64_t first = std::int64_t{read.first} * read.word_dram_bits / 8;
    const std::int64_t end = ((std::int64_t{read.first} + read.count) * read.word_dram_bits + 7) / 8;
    bursts.add(read.address + static_cast<std::uint64_t>(first), end - first);
    return bursts;
  }
  const Area area = area_of(read, network);
  if (area.y0 >= area.y1 || area.x0 >= area.x1) return bursts;
  for (int image = read.image; image < read.image + read.images; ++image)
    add_image(read, area, image, network, layout, bursts);
  return bursts;
}

}  // namespace

std::vector<BlockPart> block_parts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout,
                                   const qnet::SourceArea& area) {
  const ChannelRange channels = channels_of(read, network);
  const int n = layout.block_channels();
  const auto place = [](const qnet::ChannelSource& s) {
    return std::tuple(s.tensor, s.up_h, s.up_w, s.shift_y, s.shift_x);
  };
  std::vector<BlockPart> parts;
  for (int c = channels.first; c < channels.end; ++c) {
    const qnet::ChannelSource& from = area.channels[static_cast<std::size_t>(c)];
    const int block = from.channel / n;
    const auto found = std::ranges::find_if(
        parts, [&](const BlockPart& part) { return part.block == block && place(part.first) == place(from); });
    if (found == parts.end()) {
      parts.push_back({from, block, from.channel, from.channel + 1});
    } else {
      found->channel0 = std::min(found->channel0, from.channel);
      found->channel1 = std::max(found->channel1, from.channel + 1);
    }
  }
  return parts;
}

BurstList read_bursts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout) {
  return bursts_of<BurstList>(read, network, layout);
}

std::int64_t read_bytes(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout) {
  return bursts_of<BurstCounter>(read, network, layout).bytes();
}

}  // namespace shiftsim::sim
