#include "quantizer/graph/view_map.h"

#include <numeric>

namespace shiftsim::quantizer {

namespace {

std::vector<std::int32_t> in_order(int count) {
  std::vector<std::int32_t> channels(static_cast<std::size_t>(count));
  std::iota(channels.begin(), channels.end(), 0);
  return channels;
}

}  // namespace

ViewMap whole_view(const Shape& input) {
  ViewMap view;
  view.input = input;
  view.channels = in_order(input.channels);
  return view;
}

ViewMap joined_view(const Shape& first, const Shape& second, qnet::JoinAxis axis) {
  ViewMap view = whole_view(first);
  view.joined = second;
  view.geometry.join = axis;
  view.channels = in_order(joined_shape(first, second, axis).channels);
  return view;
}

Shape joined_shape(const Shape& first, const Shape& second, qnet::JoinAxis axis) {
  Shape shape = first;
  switch (axis) {
    case qnet::JoinAxis::kChannels:
      shape.channels += second.channels;
      break;
    case qnet::JoinAxis::kHeight:
      shape.height += second.height;
      break;
    case qnet::JoinAxis::kWidth:
      shape.width += second.width;
      break;
  }
  return shape;
}

}  // namespace shiftsim::quantizer
