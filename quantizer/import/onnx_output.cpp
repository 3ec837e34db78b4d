#include "quantizer/import/onnx_output.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>
#include <vector>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/text.h"

namespace shiftsim::quantizer {

namespace {

std::string chosen_output(const onnx::GraphProto& graph, const std::string& wanted, const std::filesystem::path& file) {
  std::vector<std::string> outputs;
  for (const auto& output : graph.output()) outputs.push_back(output.name());
  if (wanted.empty()) {
    if (outputs.size() != 1)
      fail("{}: has {} outputs ({}), expected one: --output-tensor says which is meant", file.string(), outputs.size(),
           join(outputs));
    return outputs.front();
  }
  std::vector<std::string> computed;
  for (const auto& node : graph.node()) computed.insert(computed.end(), node.output().begin(), node.output().end());
  if (std::set<std::string>(computed.begin(), computed.end()).contains(wanted)) return wanted;
  fail("{}: --output-tensor: no node computes '{}'{}", file.string(), wanted, suggestion(wanted, computed));
}

}  // namespace

void select_output(onnx::GraphProto& graph, const std::string& wanted, const std::filesystem::path& file) {
  const std::string output = chosen_output(graph, wanted, file);
  std::set<std::string> needed = {output};
  std::vector<bool> keep(static_cast<std::size_t>(graph.node_size()), false);
  for (int i = graph.node_size(); i-- > 0;) {
    const onnx::NodeProto& node = graph.node(i);
    const bool is_needed = std::any_of(node.output().begin(), node.output().end(),
                                       [&](const std::string& name) { return needed.contains(name); });
    if (!is_needed) continue;
    keep[static_cast<std::size_t>(i)] = true;
    needed.insert(node.input().begin(), node.input().end());
  }
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
  for (int i = 0; i < graph.node_size(); ++i)
    if (keep[static_cast<std::size_t>(i)]) nodes.Add()->Swap(graph.mutable_node(i));
  graph.mutable_node()->Swap(&nodes);
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> inputs;
  for (const auto& input : graph.input())
    if (needed.contains(input.name())) *inputs.Add() = input;
  // Where none is needed, what stands in between is wrong, and its import says so.
  if (!inputs.empty()) graph.mutable_input()->Swap(&inputs);
  graph.clear_output();
  graph.add_output()->set_name(output);
}

}  // namespace shiftsim::quantizer
