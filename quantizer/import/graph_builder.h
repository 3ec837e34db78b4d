// The graph that an import builds, and what each name of the file stands for so far.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "quantizer/import/onnx_node.h"

namespace shiftsim::quantizer {

class GraphBuilder {
public:
  /// 'outputs': the names of the file's outputs.
  GraphBuilder(std::string name, std::set<std::string> outputs);

  Graph& graph() { return graph_; }
  Values& values() { return values_; }
  const Values& values() const { return values_; }

  const Node& node_of(const Activation& value) const { return graph_.at(value.node); }
  bool is_output(const std::string& name) const { return outputs_.contains(name); }

  /// Appends a node, under another name where its own is taken. Its index.
  int append(Node node);
  /// What an output of 'op' stands for.
  void define(const OnnxNode& op, Value value, int output = 0);
  /// Appends a node that keeps its input's shape and layout, and reads 'from' before its other inputs.
  void define_elementwise(const OnnxNode& op, Node node, const Activation& from);
  /// Appends the function of input 'which' of 'op'.
  void define_function(const OnnxNode& op, const ScalarFunction& function, int which = 0);
  /// Appends a node with a new shape, laid out NCHW.
  void define_map(const OnnxNode& op, Node node);

  /// The view of two activations, one behind the other along channels, height or width; the same one for the same two.
  int joined(int first, int second, qnet::JoinAxis axis, const std::string& name);

  /// An input that must be an activation in N x C x H x W order.
  const Activation& nchw_activation(const OnnxNode& op, int index) const;

private:
  Graph graph_;
  Values values_;
  std::set<std::string> names_, outputs_;
  std::map<std::tuple<int, int, qnet::JoinAxis>, int> joined_;
};

}  // namespace shiftsim::quantizer
