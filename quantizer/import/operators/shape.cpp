#include <onnx/onnx_pb.h>

#include <algorithm>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

/// The sizes, with -1 for the batch: Reshape reads that as "whatever is left".
void shape(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  Constant result;
  result.is_float = false;
  for (const Dim& dim : x.dims) {
    std::int64_t size = 1;
    for (const Axis axis : dim) size *= axis_size(graph.node_of(x).shape, axis);
    result.ints.push_back(size);
  }
  const auto rank = static_cast<std::int64_t>(result.ints.size());
  const auto clip = [&](std::int64_t index) {
    return std::clamp<std::int64_t>(index < 0 ? index + rank : index, 0, rank);
  };
  const std::int64_t start = clip(op.attribute_int("start", 0)), end = clip(op.attribute_int("end", rank));
  result.ints = {result.ints.begin() + start, result.ints.begin() + std::max(start, end)};
  result.dims = {static_cast<std::int64_t>(result.ints.size())};
  graph.define(op, std::move(result));
}

void constant_node(const OnnxNode& op, GraphBuilder& graph) {
  if (const auto* value = op.attribute("value")) {
    graph.define(op, read_tensor(value->t(), op.file()));
  } else if (const auto* number = op.attribute("value_float")) {
    graph.define(op, Constant{{}, {number->f()}, {}, true});
  } else if (const auto* numbers = op.attribute("value_floats")) {
    graph.define(op,
                 Constant{{numbers->floats_size()}, {numbers->floats().begin(), numbers->floats().end()}, {}, true});
  } else if (const auto* integer = op.attribute("value_int")) {
    graph.define(op, Constant{{}, {}, {integer->i()}, false});
  } else if (const auto* integers = op.attribute("value_ints")) {
    graph.define(op, Constant{{integers->ints_size()}, {}, {integers->ints().begin(), integers->ints().end()}, false});
  } else {
    op.fail("has none of value, value_float(s), value_int(s)");
  }
}

}  // namespace

OnnxOperators shape_operators() {
  return {
      {"Shape", shape},
      {"Constant", constant_node},
  };
}

}  // namespace shiftsim::quantizer
