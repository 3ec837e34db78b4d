// Operators that compute nothing: activations joined and sliced along channels, height or width, channels reordered.
#include <algorithm>
#include <numeric>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

/// The dimension that the channels of an activation stand in by themselves. An activation of one channel has them
/// behind the batch.
std::size_t channel_dimension(const GraphBuilder& graph, const Activation& x) {
  const Dim wanted = one_axis(graph.node_of(x).shape, Axis::kChannel);
  for (std::size_t i = 1; i < x.dims.size(); ++i)
    if (x.dims[i] == wanted) return i;
  return 0;
}

/// A dimension of an activation that holds one axis by itself.
struct AxisDim {
  std::size_t place = 0;  ///< in Activation::dims
  Axis axis = Axis::kChannel;
  int size = 1;
};

/// Dimension 'axis', as ONNX counts. Fails where it is the batch or several axes together, as behind Flatten.
AxisDim axis_dim(const OnnxNode& op, const GraphBuilder& graph, const Activation& x, std::int64_t axis) {
  const std::size_t place = op.axis_index(axis, x.dims.size());
  const Shape& shape = graph.node_of(x).shape;
  if (x.groups == 0 && place > 0) {
    if (place == channel_dimension(graph, x)) return {place, Axis::kChannel, shape.channels};
    for (const Axis side : {Axis::kHeight, Axis::kWidth})
      if (x.dims[place] == Dim{side}) return {place, side, static_cast<int>(axis_size(shape, side))};
    // A side of 1 stands nowhere. In N x C x H x W its place tells it.
    if (x.dims == nchw(shape) && place > 1) return {place, place == 2 ? Axis::kHeight : Axis::kWidth, 1};
  }
  op.fail("works on axis {}, expected channels, height or width: the others have no order of addresses here", axis);
}

/// The dimensions of 'x' with another size of one of them.
std::vector<Dim> dims_with(const Activation& x, const AxisDim& dim, int size) {
  std::vector<Dim> dims = x.dims;
  dims[dim.place] = size == 1 ? Dim{} : Dim{dim.axis};
  return dims;
}

std::vector<std::int32_t> range(int first, int count) {
  std::vector<std::int32_t> channels(static_cast<std::size_t>(count));
  std::iota(channels.begin(), channels.end(), first);
  return channels;
}

/// A view of all of 'x', to be cut.
Node view_of(const OnnxNode& op, const GraphBuilder& graph, const Activation& x) {
  Node node;
  node.kind = NodeKind::kView;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = graph.node_of(x).shape;
  node.view = whole_view(node.shape);
  return node;
}

/// A view of some channels of 'x', in any order. The layout stays.
Activation channels_of(const OnnxNode& op, GraphBuilder& graph, const Activation& x, const AxisDim& dim,
                       std::vector<std::int32_t> channels) {
  const auto count = static_cast<int>(channels.size());
  Node node = view_of(op, graph, x);
  node.shape.channels = count;
  node.view.channels = std::move(channels);
  return Activation{graph.append(std::move(node)), dims_with(x, dim, count)};
}

/// A view of 'count' channels, rows or columns of 'x' from 'first' on.
Activation part_of(const OnnxNode& op, GraphBuilder& graph, const Activation& x, const AxisDim& dim, int first,
                   int count) {
  if (dim.axis == Axis::kChannel) return channels_of(op, graph, x, dim, range(first, count));
  const bool rows = dim.axis == Axis::kHeight;
  Node node = view_of(op, graph, x);
  (rows ? node.view.geometry.crop_top : node.view.geometry.crop_left) = first;
  (rows ? node.shape.height : node.shape.width) = count;
  return Activation{graph.append(std::move(node)), dims_with(x, dim, count)};
}

/// Every 'step'-th row or column of 'x': a pool of one pixel copies them.
Activation every(const OnnxNode& op, GraphBuilder& graph, const Activation& x, const AxisDim& dim, int step) {
  const bool rows = dim.axis == Axis::kHeight;
  Node node;
  node.kind = NodeKind::kMaxPool;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = graph.node_of(x).shape;
  (rows ? node.window.stride_h : node.window.stride_w) = step;
  int& size = rows ? node.shape.height : node.shape.width;
  size = (size + step - 1) / step;
  const int left = size;
  return Activation{graph.append(std::move(node)), dims_with(x, dim, left)};
}

qnet::JoinAxis join_axis(Axis axis) {
  if (axis == Axis::kHeight) return qnet::JoinAxis::kHeight;
  return axis == Axis::kWidth ? qnet::JoinAxis::kWidth : qnet::JoinAxis::kChannels;
}

/// Two at a time. A list that begins as another one goes on from there (DenseNet).
void concat(const OnnxNode& op, GraphBuilder& graph) {
  const std::int64_t axis = op.attribute_int("axis", 1);
  for (int i = 0; i < op.input_count(); ++i)
    if (op.is_constant(i))
      op.fail("joins the constant '{}' to an activation, as transformers do a class token: no layer makes it",
              op.input_name(i));
  Activation all = op.activation(0);
  for (int i = 1; i < op.input_count(); ++i) {
    const Activation& next = op.activation(i);
    const AxisDim dim = axis_dim(op, graph, all, axis);
    const AxisDim other = axis_dim(op, graph, next, axis);
    const Shape one = graph.node_of(all).shape;
    const Shape two = graph.node_of(next).shape;
    const qnet::JoinAxis along = join_axis(dim.axis);
    if (other.axis != dim.axis || joined_shape(one, two, along) != joined_shape(two, one, along))
      op.fail("joins {}x{} pixels of {} channels and {}x{} of {}, expected two sizes that are the same", one.height,
              one.width, one.channels, two.height, two.width, two.channels);
    const int size = dim.size + other.size;
    if (size > kLargestSize) op.fail("makes a map that is too large");
    std::vector<Dim> dims = dims_with(all, dim, size);
    if (dims != dims_with(next, other, size)) op.fail("joins activations of different layouts");
    all = Activation{graph.joined(all.node, next.node, along, op.layer_name()), std::move(dims)};
  }
  graph.define(op, all);
}

void split(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const AxisDim dim = axis_dim(op, graph, x, op.attribute_int("axis", 0));
  std::vector<std::int64_t> sizes = op.attribute_or_input("split", 1);
  if (sizes.empty()) {
    const std::int64_t parts = op.attribute_int("num_outputs", op.output_count());
    if (parts < 1 || parts != op.output_count())
      op.fail("splits into {} parts, has {} outputs", parts, op.output_count());
    const std::int64_t size = (dim.size + parts - 1) / parts;
    for (std::int64_t left = dim.size; left > 0; left -= size) sizes.push_back(std::min(size, left));
  }
  const bool positive = std::ranges::all_of(sizes, [](std::int64_t size) { return size > 0 && size <= kLargestSize; });
  if (!positive || static_cast<int>(sizes.size()) != op.output_count() ||
      std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != dim.size)
    op.fail("splits a dimension of {} into {} parts that are not {} positive sizes with this sum", dim.size,
            sizes.size(), op.output_count());
  int first = 0;
  for (int i = 0; i < op.output_count(); ++i) {
    const auto count = static_cast<int>(sizes[static_cast<std::size_t>(i)]);
    graph.define(op, part_of(op, graph, x, dim, first, count), i);
    first += count;
  }
}

/// One dimension of a slice: 'count' elements from 'first' on, each 'step' behind the one before it.
struct Stride {
  std::int64_t first = 0, count = 0, step = 1;
};

/// As ONNX counts: from the end where negative, cut off at both ends.
Stride stride_of(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? size : size - 1;
  const auto place = [&](std::int64_t index) { return std::clamp(index < 0 ? index + size : index, low, high); };
  // A negative end below -size stands before the first element.
  const std::int64_t first = place(start);
  const std::int64_t length = (place(end) - first) * (step > 0 ? 1 : -1);
  const std::int64_t stride = std::min(step > 0 ? step : -step, size);
  return {first, length <= 0 ? 0 : (length + stride - 1) / stride, step > 0 ? stride : -stride};
}

Activation strided(const OnnxNode& op, GraphBuilder& graph, const Activation& x, const AxisDim& dim, const Stride& s) {
  if (dim.axis == Axis::kChannel) {
    std::vector<std::int32_t> channels;
    for (std::int64_t i = 0; i < s.count; ++i) channels.push_back(static_cast<std::int32_t>(s.first + i * s.step));
    return channels_of(op, graph, x, dim, std::move(channels));
  }
  if (s.step < 0) op.fail("reverses rows or columns: no layer reads them backwards");
  const std::int64_t span = (s.count - 1) * s.step + 1;
  Activation part = x;
  if (span != dim.size) part = part_of(op, graph, x, dim, static_cast<int>(s.first), static_cast<int>(span));
  return s.step == 1 ? part : every(op, graph, part, dim, static_cast<int>(s.step));
}

void slice(const OnnxNode& op, GraphBuilder& graph) {
  Activation x = op.activation(0);
  const std::vector<std::int64_t> starts = op.attribute_or_input("starts", 1);
  const std::vector<std::int64_t> ends = op.attribute_or_input("ends", 2);
  std::vector<std::int64_t> axes = op.attribute_or_input("axes", 3);
  std::vector<std::int64_t> steps = op.has_input(4) ? op.ints(4) : std::vector<std::int64_t>(starts.size(), 1);
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    op.fail("has {} starts, {} ends, {} axes and {} steps", starts.size(), ends.size(), axes.size(), steps.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t place = op.axis_index(axes[i], x.dims.size());
    std::int64_t size = 1;
    for (const Axis axis : x.dims[place]) size *= axis_size(graph.node_of(x).shape, axis);
    if (size > 0 && starts[i] == 0 && ends[i] >= size && steps[i] == 1) continue;  // all of it
    const AxisDim dim = axis_dim(op, graph, x, axes[i]);
    if (steps[i] == 0) op.fail("has a step of 0");
    const Stride stride = stride_of(dim.size, starts[i], ends[i], steps[i]);
    if (stride.count == 0) op.fail("leaves nothing of a dimension of {}", dim.size);
    x = strided(op, graph, x, dim, stride);
  }
  graph.define(op, x);
}

/// Channels by their numbers, a constant list.
void gather(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  if (!op.is_constant(1)) op.fail("takes what another activation names, expected constant indices");
  const Constant& indices = op.constant(1);
  const AxisDim dim = axis_dim(op, graph, x, op.attribute_int("axis", 0));
  if (dim.axis != Axis::kChannel) op.fail("takes rows or columns by their numbers, expected channels");
  if (indices.dims.size() != 1) op.fail("takes indices of rank {}, expected 1", indices.dims.size());
  std::vector<std::int32_t> chosen;
  for (const std::int64_t index : op.ints(1)) {
    if (index < -dim.size || index >= dim.size) op.fail("takes channel {} of {}", index, dim.size);
    chosen.push_back(static_cast<std::int32_t>(index < 0 ? index + dim.size : index));
  }
  if (chosen.empty()) op.fail("takes no channel");
  graph.define(op, channels_of(op, graph, x, dim, std::move(chosen)));
}

}  // namespace

OnnxOperators view_operators() {
  return {
      {"Concat", concat},
      {"Split", split},
      {"Slice", slice},
      {"Gather", gather},
  };
}

}  // namespace shiftsim::quantizer
