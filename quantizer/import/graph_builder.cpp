#include "quantizer/import/graph_builder.h"

namespace shiftsim::quantizer {

GraphBuilder::GraphBuilder(std::string name, std::set<std::string> outputs) : outputs_(std::move(outputs)) {
  graph_.name = std::move(name);
}

int GraphBuilder::append(Node node) {
  const std::string wanted = node.name;
  for (int copy = 2; !names_.insert(node.name).second; ++copy) node.name = fmt::format("{}_{}", wanted, copy);
  graph_.nodes.push_back(std::move(node));
  return static_cast<int>(graph_.nodes.size()) - 1;
}

void GraphBuilder::define(const OnnxNode& op, Value value, int output) {
  if (op.output_count() <= output) op.fail("has no output {}", output);
  values_[op.output_name(output)] = std::move(value);
}

void GraphBuilder::define_elementwise(const OnnxNode& op, Node node, const Activation& from) {
  node.inputs.insert(node.inputs.begin(), from.node);
  node.shape = node_of(from).shape;
  const std::vector<Dim> dims = from.dims;
  const int index = append(std::move(node));
  define(op, Activation{index, dims});
}

void GraphBuilder::define_function(const OnnxNode& op, const ScalarFunction& function, int which) {
  Node node;
  node.kind = NodeKind::kFunction;
  node.name = op.layer_name();
  node.function = function;
  define_elementwise(op, std::move(node), op.activation(which));
}

void GraphBuilder::define_map(const OnnxNode& op, Node node) {
  const Shape shape = node.shape;
  const int index = append(std::move(node));
  define(op, Activation{index, nchw(shape)});
}

int GraphBuilder::joined(int first, int second, qnet::JoinAxis axis, const std::string& name) {
  const auto [entry, is_new] = joined_.emplace(std::tuple(first, second, axis), -1);
  if (!is_new) return entry->second;
  Node node;
  node.kind = NodeKind::kView;
  node.name = name;
  node.inputs = {first, second};
  const Shape& one = graph_.at(first).shape;
  const Shape& other = graph_.at(second).shape;
  node.view = joined_view(one, other, axis);
  node.shape = joined_shape(one, other, axis);
  entry->second = append(std::move(node));
  return entry->second;
}

const Activation& GraphBuilder::nchw_activation(const OnnxNode& op, int index) const {
  const Activation& value = op.activation(index);
  if (value.dims != nchw(node_of(value).shape))
    op.fail("input {} ('{}') is not in N x C x H x W order", index, op.input_name(index));
  return value;
}

}  // namespace shiftsim::quantizer
