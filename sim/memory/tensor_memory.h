// Contents of DRAM while a network runs: one array per tensor and image.
#pragma once

#include <cstdint>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::sim {

/// Tensors as bytes, NHWC: codes one byte each (two's complement where signed), logits four, little-endian.
class TensorMemory {
public:
  /// 'batch': images that have tensors of their own.
  explicit TensorMemory(const qnet::Network& network, int batch = 1);

  std::uint8_t* data(int tensor, int image = 0) { return tensors_[place(tensor, image)].data(); }
  const std::uint8_t* data(int tensor, int image = 0) const { return tensors_[place(tensor, image)].data(); }
  /// Puts the images of a batch (uint8, NHWC), one behind the other, into their tensors 0.
  void set_input(const std::uint8_t* images);
  /// The tensor's values, sign-extended.
  std::vector<std::int32_t> values(int tensor, int image = 0) const;
  /// Overwrites all but the input with a value that no engine should ever read, so that a missing store shows.
  void poison();

private:
  std::size_t place(int tensor, int image) const {
    return static_cast<std::size_t>(image) * network_.tensors.size() + static_cast<std::size_t>(tensor);
  }

  const qnet::Network& network_;
  int batch_;
  std::vector<std::vector<std::uint8_t>> tensors_;  ///< image by image
};

}  // namespace shiftsim::sim
