// The size of an activation.
#pragma once

#include <cstddef>

namespace shiftsim::quantizer {

/// Batch left out. Float activations are stored NHWC, like the integer network's.
struct Shape {
  int channels = 1, height = 1, width = 1;

  std::size_t size() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
  bool operator==(const Shape&) const = default;
};

}  // namespace shiftsim::quantizer
