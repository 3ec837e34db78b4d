#include "quantizer/import/simplify.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/error.h"
#include "quantizer/import/affine_folding.h"
#include "quantizer/import/average_pools.h"
#include "quantizer/import/clamp_placement.h"
#include "quantizer/import/graph_edits.h"
#include "quantizer/import/scalar_functions.h"

namespace shiftsim::quantizer {

namespace {

template <typename... Args>
[[noreturn]] void fail_at(const std::string& where, const Node& node, fmt::format_string<Args...> format,
                          Args&&... args) {
  fail("{}: node '{}': {}", where, node.name, fmt::format(format, std::forward<Args>(args)...));
}

/// Into the windows that read them.
void move_pads(Graph& graph, const std::string& where) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].kind != NodeKind::kPad) continue;
    const Node pad = graph.nodes[i];
    const auto readers = graph.readers()[i];
    if (readers.empty()) fail_at(where, pad, "pads the output");
    for (const int index : readers) {
      Node& reader = graph.at(index);
      const bool pool_takes_zeros = reader.kind == NodeKind::kMaxPool && is_non_negative(graph, pad.inputs[0]);
      const bool mean_takes_zeros =
          reader.kind == NodeKind::kAveragePool && (reader.count_pads || !reader.window.padded());
      if (reader.kind == NodeKind::kPad || reader.kind == NodeKind::kConv || pool_takes_zeros || mean_takes_zeros) {
        reader.window.pad_top += pad.window.pad_top;
        reader.window.pad_left += pad.window.pad_left;
        reader.window.pad_bottom += pad.window.pad_bottom;
        reader.window.pad_right += pad.window.pad_right;
        if (mean_takes_zeros) reader.count_pads = true;
      } else {
        fail_at(where, pad, "Pad in front of '{}' ({}) cannot be merged into a window", reader.name,
                to_string(reader.kind));
      }
    }
    bypass(graph, static_cast<int>(i), pad.inputs[0]);
  }
  drop_dead_nodes(graph, where);
}

Shape pool_shape(const Node& pool, const Shape& in) {
  return {in.channels, pool.window.out_height(in.height), pool.window.out_width(in.width)};
}

/// A function that never falls and taking the largest commute: it goes in front of the pool, behind the clamp of what
/// the pool reads.
void move_functions(Graph& graph) {
  for (bool moved = true; moved;) {
    moved = false;
    const auto readers = graph.readers();
    const auto alone = [&](int index) { return readers[static_cast<std::size_t>(index)].size() == 1; };
    for (Node& function : graph.nodes) {
      if (function.kind != NodeKind::kFunction) continue;
      Node& pool = graph.at(function.inputs[0]);
      if (pool.kind != NodeKind::kMaxPool || !alone(function.inputs[0]) || !alone(pool.inputs[0])) continue;
      if (!function.function->is_monotone()) continue;
      const std::vector<int> of_function = function.inputs, of_pool = pool.inputs;
      std::swap(function, pool);
      function.inputs = of_function;
      pool.inputs = of_pool;
      pool.shape = graph.at(of_pool[0]).shape;
      function.shape = pool_shape(function, pool.shape);
      moved = true;
      break;
    }
  }
}

/// Global pools of a 1x1 map, 1x1 max pools, and views of a whole map as it is.
void drop_identities(Graph& graph, const std::string& where) {
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.inputs.size() != 1 || node.shape != graph.at(node.inputs[0]).shape) continue;
    const bool single = node.window.kernel_h == 1 && node.window.kernel_w == 1 && !node.window.padded();
    const bool identity = node.kind == NodeKind::kGlobalPool || (node.kind == NodeKind::kMaxPool && single) ||
                          (node.kind == NodeKind::kView && std::ranges::is_sorted(node.view.channels));
    if (!identity) continue;
    const bool last = i + 1 == graph.nodes.size();
    bypass(graph, static_cast<int>(i), node.inputs[0]);
    if (last) break;
  }
  drop_dead_nodes(graph, where);
}

/// The last node is a convolution whose accumulators are the logits.
void finish_output(Graph& graph) {
  const Node& output = graph.output();
  const bool ready = output.kind == NodeKind::kConv && output.clamp.none();
  if (ready) return;
  Node copy = identity_conv(graph, "logits", output.shape);
  copy.inputs = {static_cast<int>(graph.nodes.size()) - 1};
  graph.nodes.push_back(std::move(copy));
}

/// Only convolutions may read the raw pixels, because the normalization is folded into their weights.
void separate_input_readers(Graph& graph) {
  std::vector<int> others;
  const auto readers = graph.readers();
  for (const int reader : readers[0])
    if (graph.at(reader).kind != NodeKind::kConv) others.push_back(reader);
  if (!others.empty()) insert_after(graph, 0, identity_conv(graph, "image_copy", graph.input().shape), others);
}

void check(const Graph& graph, const std::string& where) {
  for (const Node& node : graph.nodes) {
    SHIFTSIM_CHECK(row_of(node.kind).is_simple, "node '{}' of kind {} is left", node.name, to_string(node.kind));
    SHIFTSIM_CHECK(node.clamp.is_plain(), "node '{}' clips to [{}, {}]", node.name, node.clamp.low, node.clamp.high);
    for (const float value : node.weight)
      if (!std::isfinite(value)) fail_at(where, node, "a weight is not finite after folding");
  }
}

}  // namespace

Graph simplify(Graph graph, const std::string& where) {
  drop_dead_nodes(graph, where);
  absorb_input_normalization(graph, where);
  graph = fuse_functions(std::move(graph), where);
  drop_dead_nodes(graph, where);
  move_pads(graph, where);
  graph = convert_average_pools(std::move(graph), where);
  fold_affines(graph, where);
  place_clamps(graph, where);
  split_clamps(graph);
  move_functions(graph);
  convert_affines(graph);
  drop_identities(graph, where);
  finish_output(graph);
  separate_input_readers(graph);
  check(graph, where);
  return graph;
}

}  // namespace shiftsim::quantizer
