#include <functional>

#include "quantizer/import/onnx_operators.h"
#include "quantizer/import/operators/window.h"

namespace shiftsim::quantizer {

namespace {

std::vector<float> optional_bias(const OnnxNode& op, int index, int channels) {
  if (!op.has_input(index)) return std::vector<float>(static_cast<std::size_t>(channels), 0.0f);
  const Constant& bias = op.floats(index);
  if (bias.floats.size() != static_cast<std::size_t>(channels))
    op.fail("the bias has {} values for {} output channels", bias.floats.size(), channels);
  return bias.floats;
}

void conv(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = graph.nchw_activation(op, 0);
  const Constant& weight = op.floats(1);
  const Shape in = graph.node_of(x).shape;
  if (weight.dims.size() != 4)
    op.fail("the weight has {} dimensions, expected 4 (2-D convolution)", weight.dims.size());
  Node node;
  node.kind = NodeKind::kConv;
  node.name = op.layer_name(1);
  node.inputs = {x.node};
  node.groups = op.small(op.attribute_int("group", 1), 1, "group");
  const int out_channels = op.small(weight.dims[0], 1, "the number of filters");
  if (in.channels % node.groups != 0 || out_channels % node.groups != 0)
    op.fail("{} groups divide neither {} input nor {} output channels", node.groups, in.channels, out_channels);
  if (weight.dims[1] * node.groups != in.channels)
    op.fail("the weight takes {} channels a group in {} groups, the input has {}", weight.dims[1], node.groups,
            in.channels);
  const std::vector<std::int64_t> kernel{weight.dims[2], weight.dims[3]};
  if (op.attribute_ints("kernel_shape", kernel) != kernel)
    op.fail("kernel_shape differs from the weight's {}x{}", kernel[0], kernel[1]);
  node.window = read_window(op, kernel, in);
  node.shape = windowed_shape(op, node.window, in, out_channels);
  node.weight = weight.floats;
  node.bias = optional_bias(op, 2, out_channels);
  graph.define_map(op, std::move(node));
}

/// A linear layer over the activation's last dimension. 'weight_at(i, o)': the weight from input i to output o.
void linear(const OnnxNode& op, GraphBuilder& graph, const Activation& x, std::int64_t inputs, std::int64_t outputs,
            std::vector<float> bias, int weight_input,
            const std::function<float(std::size_t, std::size_t)>& weight_at) {
  const Shape in = graph.node_of(x).shape;
  const Dim order = x.dims.back();
  std::size_t size = 1;
  for (const Axis axis : order) {
    if (axis == Axis::kBatch) op.fail("multiplies over the batch");
    size *= static_cast<std::size_t>(axis_size(in, axis));
  }
  if (static_cast<std::int64_t>(size) != inputs)
    op.fail("the weight takes {} inputs, the activation has {}", inputs, size);
  const bool whole_map = size == in.size();
  if (!whole_map && order != one_axis(in, Axis::kChannel))
    op.fail("multiplies over a dimension that is neither the whole activation nor its channels");

  Node node;
  node.kind = NodeKind::kConv;
  node.name = op.layer_name(weight_input);
  node.inputs = {x.node};
  const int out_channels = op.small(outputs, 1, "the number of outputs");
  node.shape = {out_channels, whole_map ? 1 : in.height, whole_map ? 1 : in.width};
  node.window.kernel_h = whole_map ? in.height : 1;
  node.window.kernel_w = whole_map ? in.width : 1;
  node.bias = std::move(bias);

  // Row i of the matrix belongs to the i-th element in the exporter's own order of the axes.
  const auto kernel_h = static_cast<std::size_t>(node.window.kernel_h),
             kernel_w = static_cast<std::size_t>(node.window.kernel_w);
  const auto strides = [&](Axis axis) {
    return axis == Axis::kChannel ? kernel_h * kernel_w : axis == Axis::kHeight ? kernel_w : std::size_t{1};
  };
  node.weight.resize(static_cast<std::size_t>(out_channels) * size);
  for (std::size_t i = 0; i < size; ++i) {
    std::size_t rest = i, place = 0;
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
      const auto extent = static_cast<std::size_t>(axis_size(in, *axis));
      place += rest % extent * strides(*axis);
      rest /= extent;
    }
    for (std::size_t o = 0; o < static_cast<std::size_t>(out_channels); ++o)
      node.weight[o * size + place] = weight_at(i, o);
  }
  std::vector<Dim> dims = x.dims;
  dims.back() = one_axis(node.shape, Axis::kChannel);
  const int index = graph.append(std::move(node));
  graph.define(op, Activation{index, dims});
}

void gemm(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const Constant& weight = op.floats(1);
  if (x.dims.size() != 2 || x.dims[0] != Dim{Axis::kBatch} || op.attribute_int("transA", 0) != 0)
    op.fail("the first operand must be batch x features (flatten it before)");
  if (weight.dims.size() != 2) op.fail("the weight has {} dimensions, expected 2", weight.dims.size());
  const bool transposed = op.attribute_int("transB", 0) != 0;
  const std::int64_t outputs = weight.dims[transposed ? 0 : 1], inputs = weight.dims[transposed ? 1 : 0];
  const auto alpha = static_cast<float>(op.attribute_float("alpha", 1)),
             beta = static_cast<float>(op.attribute_float("beta", 1));
  std::vector<float> bias(static_cast<std::size_t>(op.small(outputs, 1, "the number of outputs")), 0.0f);
  if (op.has_input(2)) {
    const Constant& c = op.floats(2);
    if (c.size() != 1 && c.size() != bias.size()) op.fail("the bias has {} values for {} outputs", c.size(), outputs);
    for (std::size_t o = 0; o < bias.size(); ++o) bias[o] = beta * c.floats[c.size() == 1 ? 0 : o];
  }
  const auto columns = static_cast<std::size_t>(weight.dims[1]);
  linear(op, graph, x, inputs, outputs, std::move(bias), 1, [&](std::size_t i, std::size_t o) {
    return alpha * (transposed ? weight.floats[o * columns + i] : weight.floats[i * columns + o]);
  });
}

void matmul(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  if (!op.is_constant(1))
    op.fail(
        "multiplies two activations, as attention does: this machine shifts and adds, and a product of two "
        "activations is neither");
  const Constant& weight = op.floats(1);
  if (weight.dims.size() != 2) op.fail("the weight has {} dimensions, expected 2", weight.dims.size());
  std::vector<float> bias(static_cast<std::size_t>(op.small(weight.dims[1], 1, "the number of outputs")), 0.0f);
  const auto columns = static_cast<std::size_t>(weight.dims[1]);
  linear(op, graph, x, weight.dims[0], weight.dims[1], std::move(bias), 1,
         [&](std::size_t i, std::size_t o) { return weight.floats[i * columns + o]; });
}

}  // namespace

OnnxOperators convolution_operators() {
  return {
      {"Conv", conv},
      {"Gemm", gemm},
      {"MatMul", matmul},
  };
}

}  // namespace shiftsim::quantizer
