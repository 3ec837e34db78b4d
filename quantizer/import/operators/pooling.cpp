#include <algorithm>
#include <set>

#include "quantizer/import/onnx_operators.h"
#include "quantizer/import/operators/window.h"

namespace shiftsim::quantizer {

namespace {

/// ceil_mode: a last window that reaches over the padded map's end is kept, as if there were more padding.
void extend_for_ceil(Node& pool, const Shape& in) {
  Window& window = pool.window;
  const auto missing = [](int size, int kernel, int stride, int dilation, int before, int after) {
    const int span = size + before + after - (dilation * (kernel - 1) + 1);
    int more = span > 0 && span % stride != 0 ? stride - span % stride : 0;
    // A window that begins in the padding is not one (as PyTorch and ONNX have it).
    if (more > 0 && span + more >= size + before) more = 0;
    return more;
  };
  pool.over_bottom =
      missing(in.height, window.kernel_h, window.stride_h, window.dilation_h, window.pad_top, window.pad_bottom);
  pool.over_right =
      missing(in.width, window.kernel_w, window.stride_w, window.dilation_w, window.pad_left, window.pad_right);
  window.pad_bottom += pool.over_bottom;
  window.pad_right += pool.over_right;
}

void pool(const OnnxNode& op, GraphBuilder& graph) {
  const bool is_max = op.type() == "MaxPool";
  const Activation& x = graph.nchw_activation(op, 0);
  const Shape in = graph.node_of(x).shape;
  if (op.output_count() > 1 && !op.output_name(1).empty()) op.fail("the output of indices is not supported");
  Node node;
  node.kind = is_max ? NodeKind::kMaxPool : NodeKind::kAveragePool;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.window = read_window(op, op.attribute_ints("kernel_shape", {}), in);
  node.count_pads = op.attribute_int("count_include_pad", 0) != 0;
  if (op.attribute_int("ceil_mode", 0) != 0) extend_for_ceil(node, in);
  node.shape = windowed_shape(op, node.window, in, in.channels);
  graph.define_map(op, std::move(node));
}

void global_pool(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = graph.nchw_activation(op, 0);
  Node node;
  const Shape in = graph.node_of(x).shape;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = {in.channels, 1, 1};
  node.kind = NodeKind::kGlobalPool;
  if (op.type() == "GlobalMaxPool") {
    node.kind = NodeKind::kMaxPool;
    node.window.kernel_h = in.height;
    node.window.kernel_w = in.width;
  }
  graph.define_map(op, std::move(node));
}

void reduce_mean(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const Shape in = graph.node_of(x).shape;
  const auto axes = op.attribute_or_input("axes", 1);
  std::set<std::size_t> reduced;
  for (const std::int64_t axis : axes) reduced.insert(op.axis_index(axis, x.dims.size()));
  std::vector<Dim> dims;
  Dim gone;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (!reduced.contains(i)) {
      dims.push_back(x.dims[i]);
      continue;
    }
    gone.insert(gone.end(), x.dims[i].begin(), x.dims[i].end());
    if (op.attribute_int("keepdims", 1) != 0) dims.emplace_back();
  }
  std::sort(gone.begin(), gone.end());
  Dim map = one_axis(in, Axis::kHeight);
  if (in.width != 1) map.push_back(Axis::kWidth);
  if (axes.empty() || gone != map) op.fail("averages over other axes than height and width together");
  Node node;
  node.kind = NodeKind::kGlobalPool;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = {in.channels, 1, 1};
  const int index = graph.append(std::move(node));
  graph.define(op, Activation{index, dims});
}

}  // namespace

OnnxOperators pooling_operators() {
  return {
      {"MaxPool", pool},
      {"AveragePool", pool},
      {"GlobalAveragePool", global_pool},
      {"GlobalMaxPool", global_pool},
      {"ReduceMean", reduce_mean},
  };
}

}  // namespace shiftsim::quantizer
