// Which values a view shows: of one activation, or of two joined, channels in another order, a part of the map, pixels
// repeated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "qnet/view_geometry.h"
#include "quantizer/graph/shape.h"

namespace shiftsim::quantizer {

struct ViewMap {
  /// The source of each output channel. Below the input's channels: that channel of the input (of both where pixels are
  /// joined). From there on: of what is joined to it.
  std::vector<std::int32_t> channels;
  qnet::ViewGeometry geometry;
  Shape input;
  Shape joined{0, 0, 0};  ///< no channels: nothing is joined

  bool joins() const { return joined.channels > 0; }
  bool is_joined(std::size_t k) const { return channels[k] >= input.channels; }
  std::size_t source(std::size_t k) const {
    return static_cast<std::size_t>(is_joined(k) ? channels[k] - input.channels : channels[k]);
  }
};

/// All values of an activation as they stand.
ViewMap whole_view(const Shape& input);
/// All values of two activations, the second one behind the first one along an axis. Their other sizes are the same.
ViewMap joined_view(const Shape& first, const Shape& second, qnet::JoinAxis axis);
/// The size of that.
Shape joined_shape(const Shape& first, const Shape& second, qnet::JoinAxis axis);

}  // namespace shiftsim::quantizer
