#include <cmath>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

/// A constant that broadcasts over an activation as one value per channel.
std::vector<float> per_channel(const OnnxNode& op, const GraphBuilder& graph, int index, const Activation& x) {
  const Constant& value = op.floats(index);
  const Shape& shape = graph.node_of(x).shape;
  const auto channels = static_cast<std::size_t>(shape.channels);
  if (value.size() == 1) return std::vector<float>(channels, value.floats[0]);
  const std::size_t rank = value.dims.size();
  std::size_t found = rank;
  for (std::size_t i = 0; i < rank; ++i) {
    if (value.dims[i] == 1) continue;
    if (found != rank) found = rank + 1;  // a second dimension that is not 1
    if (found == rank) found = i;
    if (found > rank) break;
  }
  if (found < rank && rank <= x.dims.size() &&
      x.dims[found + x.dims.size() - rank] == one_axis(shape, Axis::kChannel) && value.size() == channels)
    return value.floats;
  op.fail("the constant '{}' is neither one value nor one per channel ({} channels)", op.input_name(index), channels);
}

/// A constant over an activation.
void reciprocal(const OnnxNode& op, GraphBuilder& graph) {
  const ScalarFunction constant = ScalarFunction::constant(op.scalar(0));
  graph.define_function(op, ScalarFunction::apply(ScalarOp::kDivide, constant, ScalarFunction::input()), 1);
}

void power(const OnnxNode& op, GraphBuilder& graph) {
  const double exponent = op.scalar(1);
  const ScalarFunction x = ScalarFunction::input();
  // A whole number of factors has slopes below 0, too.
  ScalarFunction function = x;
  if (exponent == 2 || exponent == 3)
    for (int i = 1; i < static_cast<int>(exponent); ++i) function = function * x;
  else
    function = ScalarFunction::apply(ScalarOp::kPower, x, ScalarFunction::constant(exponent));
  graph.define_function(op, function);
}

void arithmetic(const OnnxNode& op, GraphBuilder& graph) {
  const std::string& type = op.type();
  if (!op.is_constant(0) && !op.is_constant(1)) {
    if (type != "Add") return of_two_activations(op, graph);
    const Activation& a = op.activation(0);
    const Activation& b = op.activation(1);
    if (graph.node_of(a).shape != graph.node_of(b).shape || a.dims != b.dims)
      op.fail("adds activations of different shapes ({}x{}x{} and {}x{}x{})", graph.node_of(a).shape.channels,
              graph.node_of(a).shape.height, graph.node_of(a).shape.width, graph.node_of(b).shape.channels,
              graph.node_of(b).shape.height, graph.node_of(b).shape.width);
    Node node;
    node.kind = NodeKind::kAdd;
    node.name = op.layer_name();
    node.inputs = {b.node};
    graph.define_elementwise(op, std::move(node), a);
    return;
  }
  const int which = op.is_constant(0) ? 1 : 0;
  if (type == "Div" && which == 1) return reciprocal(op, graph);
  const Activation& x = op.activation(which);
  Node node;
  node.kind = NodeKind::kAffine;
  node.name = op.layer_name();
  for (const float value : per_channel(op, graph, 1 - which, x)) {
    float scale = 1, shift = 0;
    if (type == "Add") shift = value;
    if (type == "Sub") {
      scale = which == 0 ? 1.0f : -1.0f;
      shift = which == 0 ? -value : value;
    }
    if (type == "Mul") scale = value;
    if (type == "Div") scale = 1 / value;
    if (!std::isfinite(scale)) op.fail("divides by {}", value);
    node.weight.push_back(scale);
    node.bias.push_back(shift);
  }
  graph.define_elementwise(op, std::move(node), x);
}

}  // namespace

void of_two_activations(const OnnxNode& op, GraphBuilder& graph) {
  static const std::map<std::string, ScalarOp> operators = {
      {"Sub", ScalarOp::kSubtract}, {"Mul", ScalarOp::kMultiply}, {"Div", ScalarOp::kDivide},
      {"Min", ScalarOp::kMinimum},  {"Max", ScalarOp::kMaximum},
  };
  const Activation& a = op.activation(0);
  const Activation& b = op.activation(1);
  if (graph.node_of(a).shape != graph.node_of(b).shape || a.dims != b.dims)
    op.fail(
        "works on two activations of different shapes ({}x{}x{} and {}x{}x{}), as a gate does: this machine shifts and "
        "adds, and a product of two activations is neither",
        graph.node_of(a).shape.channels, graph.node_of(a).shape.height, graph.node_of(a).shape.width,
        graph.node_of(b).shape.channels, graph.node_of(b).shape.height, graph.node_of(b).shape.width);
  Node node;
  node.kind = NodeKind::kElementwise;
  node.elementwise = operators.at(op.type());
  node.name = op.layer_name();
  node.inputs = {b.node};
  graph.define_elementwise(op, std::move(node), a);
}

OnnxOperators elementwise_operators() {
  return {
      {"Add", arithmetic}, {"Sub", arithmetic}, {"Mul", arithmetic}, {"Div", arithmetic}, {"Pow", power},
  };
}

}  // namespace shiftsim::quantizer
