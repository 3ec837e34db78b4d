// Which values a view shows: channels in another order, of one activation or of two joined, pixels repeated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shiftsim::quantizer {

struct ViewMap {
  /// The source of each output channel. Below 'input_channels': that channel of the input. From there on: of what is
  /// joined to it.
  std::vector<std::int32_t> channels;
  int input_channels = 1, joined_channels = 0;  ///< 0: nothing is joined
  int upsample_h = 1, upsample_w = 1;           ///< times that each pixel is repeated

  bool is_joined(std::size_t k) const { return channels[k] >= input_channels; }
  std::size_t source(std::size_t k) const {
    return static_cast<std::size_t>(is_joined(k) ? channels[k] - input_channels : channels[k]);
  }
};

}  // namespace shiftsim::quantizer
