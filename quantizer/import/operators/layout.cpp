#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "common/log.h"
#include "common/text.h"
#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

/// Gives an activation other dimensions: the same elements in the same order.
std::vector<Dim> regroup(const OnnxNode& op, const GraphBuilder& graph, const Activation& x,
                         const std::vector<std::int64_t>& target) {
  const Shape& shape = graph.node_of(x).shape;
  // Detectors arrange their heads so that several maps become one list.
  const auto not_layout = [&]() {
    op.fail(
        "reshapes to [{}], which is not a change of layout only; where it arranges an output, --output-tensor '{}' "
        "ends the network in front of it",
        join(target), op.input_name(0));
  };
  if (x.dims.empty() || x.dims[0] != Dim{Axis::kBatch} || target.empty()) not_layout();
  Dim axes;
  for (std::size_t i = 1; i < x.dims.size(); ++i) axes.insert(axes.end(), x.dims[i].begin(), x.dims[i].end());

  // The first dimension is the batch, whatever is written there; of the others one may be left open (-1).
  std::vector<std::int64_t> sizes(target.begin() + 1, target.end());
  std::int64_t known = 1;
  std::size_t open = sizes.size();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) {
      if (i + 1 >= x.dims.size()) not_layout();
      sizes[i] = 1;
      for (const Axis axis : x.dims[i + 1]) sizes[i] *= axis_size(shape, axis);
    }
    if (sizes[i] == -1 && open == sizes.size()) {
      open = i;
      continue;
    }
    if (sizes[i] < 1 || sizes[i] > kLargestSize || known > kLargestSize) not_layout();
    known *= sizes[i];
  }
  const auto total = static_cast<std::int64_t>(shape.size());
  if (open < sizes.size()) {
    if (total % known != 0) not_layout();
    sizes[open] = total / known;
    known *= sizes[open];
  }
  if (known != total) not_layout();

  std::vector<Dim> result{{Axis::kBatch}};
  std::size_t next = 0;
  for (const std::int64_t size : sizes) {
    Dim dim;
    std::int64_t filled = 1;
    while (filled < size && next < axes.size()) {
      filled *= axis_size(shape, axes[next]);
      dim.push_back(axes[next++]);
    }
    if (filled != size) not_layout();
    result.push_back(std::move(dim));
  }
  return result;
}

void flatten(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const std::int64_t axis = op.attribute_int("axis", 1);
  if (axis != 1 && axis != 1 - static_cast<std::int64_t>(x.dims.size()))
    op.fail("flattens from axis {}, expected 1", axis);
  graph.define(
      op, Activation{x.node, regroup(op, graph, x, {-1, static_cast<std::int64_t>(graph.node_of(x).shape.size())})});
}

/// N x C x H x W to N x G x C/G x H x W: the first half of a channel shuffle. 0: it is none.
int split_groups(const GraphBuilder& graph, const Activation& x, std::vector<std::int64_t> target) {
  const Shape& shape = graph.node_of(x).shape;
  if (target.size() != 5 || x.dims != nchw(shape)) return 0;
  const std::vector<std::int64_t> wanted = {shape.height, shape.width};
  for (std::size_t i = 0; i < 2; ++i)
    if (target[3 + i] != wanted[i]) return 0;
  if (target[1] == -1 && target[2] > 0) target[1] = shape.channels / target[2];
  if (target[2] == -1 && target[1] > 0) target[2] = shape.channels / target[1];
  const bool splits = target[1] > 1 && target[2] > 1 && target[1] * target[2] == shape.channels;
  return splits ? static_cast<int>(target[1]) : 0;
}

/// N x G x C/G x H x W in either order of its channels' axes back to N x C x H x W.
void join_groups(const OnnxNode& op, GraphBuilder& graph, const Activation& x,
                 const std::vector<std::int64_t>& target) {
  const Shape shape = graph.node_of(x).shape;
  const Dim height = one_axis(shape, Axis::kHeight);
  const Dim width = one_axis(shape, Axis::kWidth);
  const bool shuffled = x.dims == std::vector<Dim>{{Axis::kBatch}, {Axis::kMember}, {Axis::kGroup}, height, width};
  const bool as_before = x.dims == std::vector<Dim>{{Axis::kBatch}, {Axis::kGroup}, {Axis::kMember}, height, width};
  const std::vector<std::int64_t> sizes = {shape.channels, shape.height, shape.width};
  bool fits = target.size() == 4 && std::count(target.begin() + 1, target.end(), -1) <= 1;
  for (std::size_t i = 0; fits && i < sizes.size(); ++i) fits = target[i + 1] == sizes[i] || target[i + 1] == -1;
  if (!fits || (!shuffled && !as_before))
    op.fail("reshapes split channels to [{}], expected a channel shuffle, back to N x {} x {} x {}", join(target),
            shape.channels, shape.height, shape.width);
  if (as_before) return graph.define(op, Activation{x.node, nchw(shape)});
  Node node;
  node.kind = NodeKind::kView;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = shape;
  node.view.input = shape;
  const int members = shape.channels / x.groups;
  for (int c = 0; c < shape.channels; ++c) node.view.channels.push_back(c % x.groups * members + c / x.groups);
  graph.define_map(op, std::move(node));
}

void reshape(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const std::vector<std::int64_t> target = op.attribute_or_input("shape", 1);
  if (x.groups > 0) return join_groups(op, graph, x, target);
  if (const int groups = split_groups(graph, x, target); groups > 0) {
    std::vector<Dim> dims = nchw(graph.node_of(x).shape);
    dims[1] = {Axis::kMember};
    dims.insert(dims.begin() + 1, Dim{Axis::kGroup});
    return graph.define(op, Activation{x.node, dims, groups});
  }
  // From opset 14 on a 0 may mean "empty" instead of "as before".
  const bool empty = op.attribute_int("allowzero", 0) != 0 && std::ranges::find(target, 0) != target.end();
  if (empty) op.fail("reshapes to [{}], which has no elements", join(target));
  graph.define(op, Activation{x.node, regroup(op, graph, x, target)});
}

void transpose(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  std::vector<std::int64_t> reversed;
  for (std::size_t i = x.dims.size(); i-- > 0;) reversed.push_back(static_cast<std::int64_t>(i));
  const auto order = op.attribute_ints("perm", reversed);
  if (order.size() != x.dims.size()) op.fail("perm has {} values for a tensor of rank {}", order.size(), x.dims.size());
  std::vector<Dim> dims;
  std::set<std::size_t> used;
  for (const std::int64_t from : order) {
    const std::size_t index = op.axis_index(from, x.dims.size());
    if (!used.insert(index).second) op.fail("perm names axis {} twice", from);
    dims.push_back(x.dims[index]);
  }
  graph.define(op, Activation{x.node, dims, x.groups});
}

void squeeze(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const auto axes = op.attribute_or_input("axes", 1);
  std::set<std::size_t> gone;
  for (const std::int64_t axis : axes) gone.insert(op.axis_index(axis, x.dims.size()));
  std::vector<Dim> dims;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    const bool drop = axes.empty() ? x.dims[i].empty() : gone.contains(i);
    if (drop && !x.dims[i].empty()) op.fail("squeezes dimension {}, which is not 1", i);
    if (!drop) dims.push_back(x.dims[i]);
  }
  graph.define(op, Activation{x.node, dims});
}

void unsqueeze(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const auto axes = op.attribute_or_input("axes", 1);
  const std::size_t rank = x.dims.size() + axes.size();
  std::set<std::size_t> added;
  for (const std::int64_t axis : axes) added.insert(op.axis_index(axis, rank));
  if (added.size() != axes.size()) op.fail("names an axis twice");
  std::vector<Dim> dims;
  for (std::size_t i = 0, next = 0; i < rank; ++i) dims.push_back(added.contains(i) ? Dim{} : x.dims[next++]);
  graph.define(op, Activation{x.node, dims});
}

void identity(const OnnxNode& op, GraphBuilder& graph) {
  graph.define(op, Activation{op.activation(0)});
}

/// Integer types cut the values off: that is another network. Half precision only rounds them; here it stays single.
void cast(const OnnxNode& op, GraphBuilder& graph) {
  using Proto = onnx::TensorProto;
  const std::int64_t to = op.attribute_int("to", Proto::UNDEFINED);
  if (to != Proto::FLOAT && to != Proto::DOUBLE && to != Proto::FLOAT16 && to != Proto::BFLOAT16) {
    const bool known = Proto::DataType_IsValid(static_cast<int>(to));
    op.fail("casts activations to {}, expected a float type: another one changes their values",
            known ? Proto::DataType_Name(static_cast<Proto::DataType>(to)) : std::to_string(to));
  }
  identity(op, graph);
}

/// Two values for every axis: those in front, then those behind. From opset 18 on only some axes may be named.
std::vector<std::int64_t> all_pads(const OnnxNode& op, std::size_t rank) {
  const std::vector<std::int64_t> pads = op.attribute_or_input("pads", 1);
  std::vector<std::int64_t> axes;
  if (op.has_input(3)) {
    axes = op.ints(3);
  } else {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (pads.size() != 2 * axes.size()) op.fail("pads has {} values for {} axes", pads.size(), axes.size());
  std::vector<std::int64_t> all(2 * rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = op.axis_index(axes[i], rank);
    all[axis] = pads[i];
    all[axis + rank] = pads[i + axes.size()];
  }
  return all;
}

void pad(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const std::string mode = op.attribute_string("mode", "constant");
  if (mode != "constant") op.fail("mode '{}', expected constant", mode);
  const double value = op.has_input(2) ? op.scalar(2) : op.attribute_float("value", 0);
  if (value != 0) op.fail("pads with {}, expected 0", value);
  const std::size_t rank = x.dims.size();
  const std::vector<std::int64_t> pads = all_pads(op, rank);
  const Shape in = graph.node_of(x).shape;
  Node node;
  node.kind = NodeKind::kPad;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = in;
  // A side of 1 has no axis: its place says which it is.
  const bool in_order = x.dims == nchw(in);
  for (std::size_t i = 0; i < rank; ++i) {
    const int before = op.small(pads[i], 0, "pads"), after = op.small(pads[i + rank], 0, "pads");
    if (before == 0 && after == 0) continue;
    if (x.dims[i] == Dim{Axis::kHeight} || (in_order && i == 2)) {
      node.window.pad_top = before;
      node.window.pad_bottom = after;
      node.shape.height += before + after;
    } else if (x.dims[i] == Dim{Axis::kWidth} || (in_order && i == 3)) {
      node.window.pad_left = before;
      node.window.pad_right = after;
      node.shape.width += before + after;
    } else {
      op.fail("pads dimension {}, which is neither height nor width", i);
    }
  }
  const std::vector<Dim> dims = in_order ? nchw(node.shape) : x.dims;
  const int index = graph.append(std::move(node));
  graph.define(op, Activation{index, dims});
}

}  // namespace

/// Does not change which class wins, so it is left out; only the network's output may have one. A logit by itself is
/// one of two classes, and Sigmoid is above one half where it is above 0.
void at_output(const OnnxNode& op, GraphBuilder& graph) {
  if (!graph.is_output(op.output_name(0))) op.fail("is supported only at the network's output");
  graph.graph().single_logit = op.type() == "Sigmoid" && graph.node_of(op.activation(0)).shape.size() == 1;
  spdlog::info("{}: {} at the output is left out: the largest logit stays the largest", op.file().string(), op.type());
  identity(op, graph);
}

OnnxOperators layout_operators() {
  return {
      {"Flatten", flatten},
      {"Reshape", reshape},
      {"Transpose", transpose},
      {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze},
      {"Identity", identity},
      {"Dropout", identity},
      {"Cast", cast},
      {"Softmax", at_output},
      {"LogSoftmax", at_output},
      {"Pad", pad},
  };
}

}  // namespace shiftsim::quantizer
