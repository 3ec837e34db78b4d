#include "quantizer/import/clamp_placement.h"

#include <utility>

#include "quantizer/import/graph_edits.h"

namespace shiftsim::quantizer {

namespace {

/// A function of each value, from [low, high].
Node clip_function(const std::string& name, const Shape& shape, const Clamp& clamp) {
  Node node;
  node.name = name;
  node.kind = NodeKind::kFunction;
  node.shape = shape;
  node.function = clipped(ScalarFunction::input(), clamp.low, clamp.high);
  return node;
}

/// The node whose result may be clamped in place of node 'index': itself, or, through max pools, what they read
/// (clamping and taking the largest commute). -1 if others would see the difference.
int clamp_target(const Graph& graph, int index) {
  const auto readers = graph.readers();
  for (;;) {
    const Node& node = graph.at(index);
    if (readers[static_cast<std::size_t>(index)].size() != 1) return -1;
    if (node.kind == NodeKind::kConv || node.kind == NodeKind::kAdd || node.kind == NodeKind::kAffine) return index;
    if (node.kind != NodeKind::kMaxPool) return -1;
    index = node.inputs[0];
  }
}

}  // namespace

void place_clamps(Graph& graph, const std::string& where) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].kind != NodeKind::kClamp) continue;
    const Clamp clamp = graph.nodes[i].clamp;
    const int target = clamp_target(graph, graph.nodes[i].inputs[0]);
    if (target >= 0) {
      Node& node = graph.at(target);
      node.clamp = node.clamp.then(clamp);
      const bool last = i + 1 == graph.nodes.size();
      bypass(graph, static_cast<int>(i), graph.nodes[i].inputs[0]);
      if (last) break;
    } else if (clamp == Clamp{.low = 0} && is_non_negative(graph, graph.nodes[i].inputs[0])) {
      const bool last = i + 1 == graph.nodes.size();
      bypass(graph, static_cast<int>(i), graph.nodes[i].inputs[0]);
      if (last) break;
    } else {
      // Somebody else reads what is clamped here: a layer of its own that copies.
      Node node = clamp.is_plain() ? identity_conv(graph, graph.nodes[i].name, graph.nodes[i].shape)
                                   : clip_function(graph.nodes[i].name, graph.nodes[i].shape, clamp);
      node.name = graph.nodes[i].name;
      node.inputs = graph.nodes[i].inputs;
      if (clamp.is_plain()) node.clamp = clamp;
      graph.nodes[i] = std::move(node);
    }
  }
  drop_dead_nodes(graph, where);
}

void split_clamps(Graph& graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].clamp.is_plain()) continue;
    const Clamp clamp = std::exchange(graph.nodes[i].clamp, {});
    insert_after(graph, static_cast<int>(i),
                 clip_function(unique_name(graph, graph.nodes[i].name + "_clip"), graph.nodes[i].shape, clamp));
  }
}

}  // namespace shiftsim::quantizer
