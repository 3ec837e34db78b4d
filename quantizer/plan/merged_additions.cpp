#include "quantizer/plan/merged_additions.h"

#include <utility>

namespace shiftsim::quantizer {

MergedAdditions::MergedAdditions(const Graph& graph, const std::vector<std::vector<int>>& readers)
    : addition_(graph.nodes.size(), -1), conv_(graph.nodes.size(), -1) {
  const auto order = [&](int conv) {
    const Node& node = graph.at(conv);
    return std::pair(node.weight.size() / node.bias.size(), conv);
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& add = graph.nodes[i];
    if (add.kind != NodeKind::kAdd) continue;
    int chosen = -1;
    for (const int input : add.inputs) {
      const Node& node = graph.at(input);
      const bool only_reader = readers[static_cast<std::size_t>(input)].size() == 1;
      if (node.kind != NodeKind::kConv || !node.clamp.none() || !only_reader) continue;
      if (chosen < 0 || order(input) > order(chosen)) chosen = input;
    }
    if (chosen < 0) continue;
    conv_[i] = chosen;
    addition_[static_cast<std::size_t>(chosen)] = static_cast<int>(i);
  }
}

}  // namespace shiftsim::quantizer
