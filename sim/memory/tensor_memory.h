// Contents of DRAM while a network runs: one array per tensor.
#pragma once

#include <cstdint>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::sim {

/// Tensors as bytes, NHWC: codes one byte each (two's complement where signed), logits four, little-endian.
class TensorMemory {
public:
  explicit TensorMemory(const qnet::Network& network);

  std::uint8_t* data(int tensor) { return tensors_[static_cast<std::size_t>(tensor)].data(); }
  const std::uint8_t* data(int tensor) const { return tensors_[static_cast<std::size_t>(tensor)].data(); }
  /// Puts an image (uint8, NHWC) into tensor 0.
  void set_input(const std::uint8_t* image);
  /// The tensor's values, sign-extended.
  std::vector<std::int32_t> values(int tensor) const;
  /// Overwrites all but the input with a value that no engine should ever read, so that a missing store shows.
  void poison();

private:
  const qnet::Network& network_;
  std::vector<std::vector<std::uint8_t>> tensors_;
};

}  // namespace shiftsim::sim
