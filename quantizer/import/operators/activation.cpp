#include <limits>

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

/// Min(x, 6) and Max(x, 0), as some exporters write ReLU6.
void min_max(const OnnxNode& op, GraphBuilder& graph) {
  if (op.input_count() != 2) op.fail("has {} inputs, expected 2", op.input_count());
  const int which = op.is_constant(0) ? 1 : 0;
  const double limit = op.scalar(1 - which);
  Node node;
  node.kind = NodeKind::kClamp;
  node.name = op.layer_name();
  (op.type() == "Min" ? node.clamp.high : node.clamp.low) = limit;
  graph.define_elementwise(op, std::move(node), op.activation(which));
}

}  // namespace

OnnxOperators activation_operators() {
  return {
      {"Relu", relu},
      {"Clip", clip},
      {"Min", min_max},
      {"Max", min_max},
  };
}

}  // namespace shiftsim::quantizer
