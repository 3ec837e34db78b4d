#include "quantizer/import/graph_edits.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/error.h"

namespace shiftsim::quantizer {

void bypass(Graph& graph, int from, int to) {
  for (Node& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  if (from == static_cast<int>(graph.nodes.size()) - 1) {
    // The output was bypassed: 'to' must become the last node, and nothing after it is needed.
    graph.nodes.resize(static_cast<std::size_t>(to) + 1);
    return;
  }
  graph.at(from).inputs.clear();  // reads nothing any more; drop_dead_nodes() removes it
}

void drop_dead_nodes(Graph& graph, const std::string& where) {
  std::vector<bool> needed(graph.nodes.size(), false);
  needed.back() = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;)
    if (needed[i])
      for (const int input : graph.nodes[i].inputs) needed[static_cast<std::size_t>(input)] = true;
  if (!needed[0]) fail("{}: the output does not depend on the input", where);
  std::vector<int> place(graph.nodes.size(), -1);
  std::vector<Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!needed[i]) continue;
    place[i] = static_cast<int>(kept.size());
    kept.push_back(std::move(graph.nodes[i]));
    for (int& input : kept.back().inputs) input = place[static_cast<std::size_t>(input)];
  }
  graph.nodes = std::move(kept);
}

void insert_after(Graph& graph, int index, Node node, const std::vector<int>& readers) {
  const int place = index + 1;
  const std::set<int> chosen(readers.begin(), readers.end());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    for (int& input : graph.nodes[i].inputs) {
      if (input == index && (chosen.empty() || chosen.contains(static_cast<int>(i))))
        input = place;
      else if (input > index)
        ++input;
    }
  node.inputs = {index};
  graph.nodes.insert(graph.nodes.begin() + place, std::move(node));
}

std::string unique_name(const Graph& graph, const std::string& wanted) {
  const auto taken = [&](const std::string& name) {
    return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return node.name == name; });
  };
  std::string name = wanted;
  for (int copy = 2; taken(name); ++copy) name = fmt::format("{}_{}", wanted, copy);
  return name;
}

Node identity_conv(const Graph& graph, const std::string& name, const Shape& shape) {
  Node node;
  node.name = unique_name(graph, name);
  node.kind = NodeKind::kConv;
  node.shape = shape;
  node.groups = shape.channels;
  node.weight.assign(static_cast<std::size_t>(shape.channels), 1.0f);
  node.bias.assign(static_cast<std::size_t>(shape.channels), 0.0f);
  node.fixed_weights = true;
  return node;
}

}  // namespace shiftsim::quantizer
