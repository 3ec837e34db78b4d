#include "sim/memory/read_buffer.h"

#include <algorithm>

#include "sim/compiler/read_bursts.h"

namespace shiftsim::sim {
namespace {

/// The same of a view, whose pixels may be of any size: the part of its bytes that one word, a row that is repeated or
/// the rows of a window have.
std::int64_t longest_wait_of_view(const ReadProgram& read, const qnet::Network& network, const Program& program) {
  const qnet::Tensor& tensor = network.tensors[static_cast<std::size_t>(read.tensor)];
  const auto inside = [](int first, int count, int size) {
    return std::max(1, std::min(first + count, size) - std::max(first, 0));
  };
  int rows = inside(read.y0, read.rows, tensor.height);
  int waits = read.row_group;
  if (read.kind == ReadProgram::Kind::kIm2row) {
    const qnet::Layer& layer = network.layers[static_cast<std::size_t>(read.layer)];
    const int reach = (layer.kernel_h - 1) * layer.dilation_h + 1;
    rows = inside(read.y0 * layer.stride_h - layer.pad_top, (read.rows - 1) * layer.stride_h + reach, tensor.height);
    waits = std::max(reach, layer.stride_h);
  } else if (read.row_group == 0) {
    rows *= inside(read.x0, read.cols, tensor.width);
    waits = 1;
  }
  return ceil_div(read_bytes(read, network, program.dram) * std::min(waits, rows), std::int64_t{rows} * read.images);
}

/// Bytes that one word can wait for: a weight word, a pixel with what stands beside it, or the rows of a window.
std::int64_t longest_wait(const ReadProgram& read, const qnet::Network& network, const Program& program) {
  if (read.kind == ReadProgram::Kind::kWords) return ceil_div(read.word_dram_bits, 8);
  if (program.dram.sources().is_view(read.tensor)) return longest_wait_of_view(read, network, program);
  const qnet::Tensor& tensor = network.tensors[static_cast<std::size_t>(read.tensor)];
  if (read.kind == ReadProgram::Kind::kIm2row) {
    const qnet::Layer& layer = network.layers[static_cast<std::size_t>(read.layer)];
    const int rows = std::max((layer.kernel_h - 1) * layer.dilation_h + 1, layer.stride_h);
    return std::int64_t{ceil_div(tensor.channels * tensor.bits, 8)} * rows * tensor.width;
  }
  const int n = program.geometry.channels;
  const int first_block = read.channel0 / read.repeat / n;
  const int last_block = (read.channel0 + read.channels - 1) / read.repeat / n;
  std::int64_t bytes = 0;
  for (int block = first_block; block <= last_block; ++block) bytes += program.dram.pixel_bytes(read.tensor, block);
  return bytes;
}

}  // namespace

std::int64_t read_buffer_bytes(const qnet::Network& network, const Program& program, const DramConfig& config) {
  std::int64_t longest = 0;
  for (const ReadProgram& read : program.reads) longest = std::max(longest, longest_wait(read, network, program));
  const std::int64_t burst = config.burst_bytes;
  const int widest =
      program.l2.kib > 0 ? std::max(config.bytes_per_cycle, program.l2.bytes_per_cycle) : config.bytes_per_cycle;
  return std::max<std::int64_t>(config.buffer_bytes(), ceil_div(longest, burst) * burst + burst + widest);
}

}  // namespace shiftsim::sim
