#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

void clamp_to(const OnnxNode& op, GraphBuilder& graph, Clamp clamp) {
  Node node;
  node.kind = NodeKind::kClamp;
  node.name = op.layer_name();
  node.clamp = clamp;
  graph.define_elementwise(op, std::move(node), op.activation(0));
}

void relu(const OnnxNode& op, GraphBuilder& graph) {
  clamp_to(op, graph, {.low = 0});
}

void clip(const OnnxNode& op, GraphBuilder& graph) {
  Clamp clamp;
  // Exporters write "no limit" as the largest float.
  const double unlimited = std::numeric_limits<float>::max();
  const double low = op.has_input(1) ? op.scalar(1) : op.attribute_float("min", -unlimited);
  const double high = op.has_input(2) ? op.scalar(2) : op.attribute_float("max", unlimited);
  if (low > -unlimited) clamp.low = low;
  if (high < unlimited) clamp.high = high;
  if (!(clamp.low <= clamp.high)) op.fail("clips to [{}, {}]", low, high);
  clamp_to(op, graph, clamp);
}

/// Min(x, 6) and Max(x, 0), as some exporters write ReLU6; or of two activations.
void min_max(const OnnxNode& op, GraphBuilder& graph) {
  if (op.input_count() != 2) op.fail("has {} inputs, expected 2", op.input_count());
  if (!op.is_constant(0) && !op.is_constant(1)) return of_two_activations(op, graph);
  const int which = op.is_constant(0) ? 1 : 0;
  const double limit = op.scalar(1 - which);
  Node node;
  node.kind = NodeKind::kClamp;
  node.name = op.layer_name();
  (op.type() == "Min" ? node.clamp.high : node.clamp.low) = limit;
  graph.define_elementwise(op, std::move(node), op.activation(which));
}

using F = ScalarFunction;

F x() {
  return F::input();
}
F number(double value) {
  return F::constant(value);
}
F if_positive(const F& then, const F& otherwise) {
  return F::if_positive(x(), then, otherwise);
}

F leaky_relu(double slope) {
  return if_positive(x(), x() * number(slope));
}

/// alpha * (e^(x / beta) - 1) below 0.
F elu(double alpha, double beta = 1) {
  return if_positive(x(), F::apply(ScalarOp::kExpm1, x() * number(1 / beta)) * number(alpha));
}

F hard_sigmoid(double alpha, double beta) {
  return clipped(affine(x(), alpha, beta), 0, 1);
}

F gelu(bool by_tanh) {
  const double root = std::sqrt(2 / std::numbers::pi);
  const F inner = by_tanh ? F::apply(ScalarOp::kTanh, (x() + x() * x() * x() * number(0.044715)) * number(root))
                          : F::apply(ScalarOp::kErf, x() * number(1 / std::numbers::sqrt2));
  return x() * affine(inner, 0.5, 0.5);
}

void prelu(const OnnxNode& op, GraphBuilder& graph) {
  const std::vector<float>& slopes = op.floats(1).floats;
  if (slopes.empty()) op.fail("has no slope");
  if (std::any_of(slopes.begin(), slopes.end(), [&](float slope) { return slope != slopes.front(); }))
    op.fail("has a slope for each channel, expected one: the PPU's activation table is one for all channels");
  graph.define_function(op, leaky_relu(static_cast<double>(slopes.front())));
}

/// Operators whose function depends on their attributes.
F function_with_attributes(const OnnxNode& op) {
  const std::string& type = op.type();
  const auto alpha = [&](double fallback) { return op.attribute_float("alpha", fallback); };
  if (type == "LeakyRelu") return leaky_relu(alpha(0.01));
  if (type == "Elu") return elu(alpha(1));
  if (type == "Selu")
    return elu(alpha(1.67326319217681884765625)) * number(op.attribute_float("gamma", 1.05070102214813232421875));
  if (type == "Celu") return elu(alpha(1), alpha(1));
  if (type == "HardSigmoid") return hard_sigmoid(alpha(0.2), op.attribute_float("beta", 0.5));
  if (type == "ThresholdedRelu") return F::if_positive(affine(x(), 1, -alpha(1)), x(), number(0));
  if (type == "Swish") return x() * F::apply(ScalarOp::kSigmoid, x() * number(alpha(1)));
  if (type == "Gelu") {
    const std::string approximate = op.attribute_string("approximate", "none");
    if (approximate != "none" && approximate != "tanh")
      op.fail("approximate is '{}', expected none or tanh", approximate);
    return gelu(approximate == "tanh");
  }
  op.fail("is no activation function");
}

void with_attributes(const OnnxNode& op, GraphBuilder& graph) {
  graph.define_function(op, function_with_attributes(op));
}

template <ScalarOp kOp>
void scalar(const OnnxNode& op, GraphBuilder& graph) {
  graph.define_function(op, F::apply(kOp, x()));
}

/// Operators without attributes that take more than one step.
void composed(const OnnxNode& op, GraphBuilder& graph) {
  const F magnitude = F::apply(ScalarOp::kMaximum, x(), x() * number(-1));
  const std::map<std::string, F> functions = {
      {"HardSwish", x() * hard_sigmoid(1.0 / 6, 0.5)},
      {"Mish", x() * F::apply(ScalarOp::kTanh, F::apply(ScalarOp::kSoftplus, x()))},
      {"Softsign", F::apply(ScalarOp::kDivide, x(), magnitude + number(1))},
      {"Abs", magnitude},
      {"Reciprocal", F::apply(ScalarOp::kDivide, number(1), x())},
  };
  graph.define_function(op, functions.at(op.type()));
}

void negate(const OnnxNode& op, GraphBuilder& graph) {
  Node node;
  node.kind = NodeKind::kAffine;
  node.name = op.layer_name();
  const auto channels = static_cast<std::size_t>(graph.node_of(op.activation(0)).shape.channels);
  node.weight.assign(channels, -1.0f);
  node.bias.assign(channels, 0.0f);
  graph.define_elementwise(op, std::move(node), op.activation(0));
}

/// At the output it changes no class, and a logit by itself needs it not.
void sigmoid(const OnnxNode& op, GraphBuilder& graph) {
  if (graph.is_output(op.output_name(0))) return at_output(op, graph);
  scalar<ScalarOp::kSigmoid>(op, graph);
}

}  // namespace

OnnxOperators activation_operators() {
  return {
      {"Relu", relu},
      {"Clip", clip},
      {"Min", min_max},
      {"Max", min_max},
      {"LeakyRelu", with_attributes},
      {"Elu", with_attributes},
      {"Selu", with_attributes},
      {"Celu", with_attributes},
      {"HardSigmoid", with_attributes},
      {"ThresholdedRelu", with_attributes},
      {"Swish", with_attributes},
      {"Gelu", with_attributes},
      {"PRelu", prelu},
      {"Sigmoid", sigmoid},
      {"Tanh", scalar<ScalarOp::kTanh>},
      {"Erf", scalar<ScalarOp::kErf>},
      {"Exp", scalar<ScalarOp::kExp>},
      {"Log", scalar<ScalarOp::kLog>},
      {"Sqrt", scalar<ScalarOp::kSqrt>},
      {"Softplus", scalar<ScalarOp::kSoftplus>},
      {"HardSwish", composed},
      {"Mish", composed},
      {"Softsign", composed},
      {"Abs", composed},
      {"Reciprocal", composed},
      {"Neg", negate},
  };
}

}  // namespace shiftsim::quantizer
