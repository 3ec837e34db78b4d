// What an ONNX value is while a graph is imported: a constant, or an activation with the layout it has at this point.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "quantizer/graph/graph.h"
#include "quantizer/import/onnx_file.h"

namespace shiftsim::quantizer {

/// The largest map, channel count or kernel taken: keeps products of sizes far from overflow.
constexpr std::int64_t kLargestSize = 1 << 20;

enum class Axis {
  kBatch,
  kChannel,
  kHeight,
  kWidth,
  // While channels are shuffled: what Activation::groups splits the channels into, slower and faster.
  kGroup,
  kMember
};

/// One dimension of an ONNX tensor: the axes of the activation that it runs over, slowest first. Axes of size 1 are
/// left out (where they stand makes no difference), so a dimension of size 1 is empty.
using Dim = std::vector<Axis>;

/// An activation as an ONNX tensor: which node computes it, and how the exporter has laid it out at this point. Layout
/// operators (Transpose, Flatten, Reshape, ...) only change 'dims'.
struct Activation {
  int node = -1;
  std::vector<Dim> dims;
  int groups = 0;  ///< above 0: the channels are split into so many groups, kGroup and kMember
};

using Value = std::variant<Constant, Activation>;

/// By the name that the file gives them.
using Values = std::unordered_map<std::string, Value>;

/// -1 for the batch, whose size is open.
int axis_size(const Shape& shape, Axis axis);

/// The dimension that runs over this axis alone; empty where its size is 1.
Dim one_axis(const Shape& shape, Axis axis);

/// The dimensions of a map in N x C x H x W order.
std::vector<Dim> nchw(const Shape& shape);

}  // namespace shiftsim::quantizer
