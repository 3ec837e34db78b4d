#include "quantizer/import/affine_folding.h"

#include <utility>

#include "quantizer/import/graph_edits.h"

namespace shiftsim::quantizer {

void absorb_input_normalization(Graph& graph, const std::string& where) {
  for (;;) {
    const auto readers = graph.readers();
    if (readers[0].size() != 1 || graph.at(readers[0][0]).kind != NodeKind::kAffine) return;
    const int index = readers[0][0];
    if (index == static_cast<int>(graph.nodes.size()) - 1) return;
    const Node& affine = graph.at(index);
    if (affine.batch_norm) return;  // a trained layer, and RAPQ may want its statistics
    for (std::size_t c = 0; c < affine.weight.size(); ++c) {
      if (affine.weight[c] == 0) return;
      graph.input_scale[c] *= affine.weight[c];
      graph.input_shift[c] = graph.input_shift[c] * affine.weight[c] + affine.bias[c];
    }
    bypass(graph, index, 0);
    drop_dead_nodes(graph, where);
  }
}

void fold_affines(Graph& graph, const std::string& where) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& affine = graph.nodes[i];
    if (affine.kind != NodeKind::kAffine) continue;
    const int before_index = affine.inputs[0];
    Node& before = graph.at(before_index);
    const bool alone = graph.readers()[static_cast<std::size_t>(before_index)].size() == 1;
    if (!alone || !before.clamp.none() || (before.kind != NodeKind::kConv && before.kind != NodeKind::kAffine))
      continue;
    const std::size_t channels = affine.weight.size(), fan = before.weight.size() / channels;
    for (std::size_t k = 0; k < channels; ++k) {
      const double scale = affine.weight[k];
      for (std::size_t j = k * fan; j < (k + 1) * fan; ++j)
        before.weight[j] = static_cast<float>(scale * before.weight[j]);
      before.bias[k] = static_cast<float>(scale * before.bias[k] + affine.bias[k]);
    }
    if (affine.batch_norm) before.batch_norm = std::move(affine.batch_norm);
    before.fixed_weights = false;
    const bool last = i + 1 == graph.nodes.size();
    bypass(graph, static_cast<int>(i), before_index);
    if (last) break;
  }
  drop_dead_nodes(graph, where);
}

void convert_affines(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.kind != NodeKind::kAffine) continue;
    node.kind = NodeKind::kConv;
    node.groups = node.shape.channels;
  }
}

}  // namespace shiftsim::quantizer
