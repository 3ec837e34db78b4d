#include <cmath>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

void batch_normalization(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  const Shape shape = graph.node_of(x).shape;
  if (x.dims.size() < 2 || x.dims[1] != one_axis(shape, Axis::kChannel))
    op.fail("the channels are not the input's second dimension");
  if (op.attribute_int("training_mode", 0) != 0) op.fail("is in training mode: export the model in evaluation mode");
  // Up to opset 8: 0 means statistics of every pixel.
  if (op.attribute_int("spatial", 1) == 0) op.fail("has statistics of its own for every pixel (spatial 0)");
  BatchNorm stats;
  stats.epsilon = op.attribute_float("epsilon", 1e-5);
  std::vector<float>* const arrays[] = {&stats.gamma, &stats.beta, &stats.mean, &stats.variance};
  for (int i = 0; i < 4; ++i) {
    *arrays[i] = op.floats(i + 1).floats;
    if (arrays[i]->size() != static_cast<std::size_t>(shape.channels))
      op.fail("input {} has {} values, the activation {} channels", i + 1, arrays[i]->size(), shape.channels);
  }
  Node node;
  node.kind = NodeKind::kAffine;
  node.name = op.layer_name(1);
  for (std::size_t c = 0; c < stats.gamma.size(); ++c) {
    if (stats.variance[c] < 0) op.fail("channel {} has the variance {}", c, stats.variance[c]);
    const double scale = stats.gamma[c] / std::sqrt(static_cast<double>(stats.variance[c]) + stats.epsilon);
    if (!std::isfinite(scale)) op.fail("channel {} has the variance {}", c, stats.variance[c]);
    node.weight.push_back(static_cast<float>(scale));
    node.bias.push_back(static_cast<float>(stats.beta[c] - scale * stats.mean[c]));
  }
  node.batch_norm = std::move(stats);
  graph.define_elementwise(op, std::move(node), x);
}

/// Their scale is computed from the activations themselves.
void by_own_statistics(const OnnxNode& op, GraphBuilder&) {
  op.fail(
      "divides activations by what is computed from them: this machine shifts and adds, and a quotient of two "
      "activations is neither");
}

}  // namespace

OnnxOperators normalization_operators() {
  return {
      {"BatchNormalization", batch_normalization},
      {"LayerNormalization", by_own_statistics},
      {"GroupNormalization", by_own_statistics},
      {"InstanceNormalization", by_own_statistics},
      {"RMSNormalization", by_own_statistics},
      {"LpNormalization", by_own_statistics},
      {"LRN", by_own_statistics},
  };
}

}  // namespace shiftsim::quantizer
