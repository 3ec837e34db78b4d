#include "quantizer/import/onnx_value.h"

namespace shiftsim::quantizer {

int axis_size(const Shape& shape, Axis axis) {
  switch (axis) {
    case Axis::kChannel:
      return shape.channels;
    case Axis::kHeight:
      return shape.height;
    case Axis::kWidth:
      return shape.width;
    case Axis::kBatch:
    case Axis::kGroup:
    case Axis::kMember:
      break;
  }
  return -1;
}

Dim one_axis(const Shape& shape, Axis axis) {
  return axis_size(shape, axis) == 1 ? Dim{} : Dim{axis};
}

std::vector<Dim> nchw(const Shape& shape) {
  return {
      {Axis::kBatch}, one_axis(shape, Axis::kChannel), one_axis(shape, Axis::kHeight), one_axis(shape, Axis::kWidth)};
}

}  // namespace shiftsim::quantizer
