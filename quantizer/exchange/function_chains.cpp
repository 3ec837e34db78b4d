#include "quantizer/exchange/function_chains.h"

#include <algorithm>

namespace shiftsim::quantizer {

namespace {

/// More than a scale, a shift, a clamp or a sum: what only a table computes.
bool needs_table(NodeKind kind) {
  return kind == NodeKind::kFunction || kind == NodeKind::kElementwise;
}

}  // namespace

FunctionChains::FunctionChains(const ImportState& state) : state_(state) {
  for (const auto& [node, quantizer] : state.file.quantizers) find(node);
  mark_steps();
}

const FunctionChain* FunctionChains::of(int quantization) const {
  const auto found = chains_.find(quantization);
  return found == chains_.end() ? nullptr : &found->second;
}

/// Adds what leads to a node, back to quantized values and to nodes that are not elementwise.
void FunctionChains::open(int node, Search& search) const {
  search.nodes.insert(node);
  for (const int input : state_.at(node).inputs) {
    if (search.nodes.contains(input)) continue;
    if (is_elementwise(state_.at(input).kind) && !state_.file.quantizers.contains(input))
      open(input, search);
    else
      search.leaves.insert(input);
  }
}

/// Whether a leaf gives codes.
bool FunctionChains::is_quantized(int leaf) const {
  const NodeKind kind = state_.at(leaf).kind;
  return state_.file.quantizers.contains(leaf) || kind == NodeKind::kMaxPool || kind == NodeKind::kView;
}

void FunctionChains::find(int quantization) {
  Search search;
  open(quantization, search);
  const auto is_function = [&](int node) { return needs_table(state_.at(node).kind); };
  if (std::none_of(search.nodes.begin(), search.nodes.end(), is_function)) return;
  // Of x and the quantized sigmoid of x, the latter is a function of x. The latest value cannot be the root.
  while (search.leaves.size() > 1) {
    Search further = search;
    const int latest = *search.leaves.rbegin();
    further.leaves.erase(latest);
    open(latest, further);
    if (!std::all_of(further.leaves.begin(), further.leaves.end(), [&](int leaf) { return is_quantized(leaf); })) break;
    search = std::move(further);
  }
  check(search);
  const auto last = std::find_if(search.nodes.rbegin(), search.nodes.rend(), is_function);
  chains_[quantization] = {*search.leaves.begin(), search.nodes, *last};
}

void FunctionChains::check(const Search& search) const {
  const auto name = [&](int node) { return state_.place(node).node; };
  const Place place = state_.place(*std::find_if(search.nodes.begin(), search.nodes.end(),
                                                 [&](int node) { return needs_table(state_.at(node).kind); }));
  for (const int leaf : search.leaves)
    if (!is_quantized(leaf))
      place.fail(
          "computes with '{}', which is not quantized in front of it: expected codes of 8 bits (QuantizeLinear or "
          "Quant), by which an activation table is indexed",
          name(leaf));
  if (search.leaves.size() != 1)
    place.fail("computes with '{}' and '{}', expected a function of one quantized value, which an activation table is",
               name(*search.leaves.begin()), name(*search.leaves.rbegin()));
}

/// Steps are what only chains read that are wanted themselves; not their roots.
void FunctionChains::mark_steps() {
  const std::vector<std::vector<int>> readers = state_.file.graph.readers();
  is_step_.assign(readers.size(), false);
  std::set<int> roots;
  for (int node = static_cast<int>(readers.size()) - 1; node > 0; --node) {
    const auto& reading = readers[static_cast<std::size_t>(node)];
    const auto computes = [&](int reader) {
      const FunctionChain* chain = of(reader);
      return is_step(reader) || (chain != nullptr && chain->nodes.contains(node));
    };
    is_step_[static_cast<std::size_t>(node)] = is_elementwise(state_.at(node).kind) && !roots.contains(node) &&
                                               !reading.empty() &&
                                               std::all_of(reading.begin(), reading.end(), computes);
    if (const FunctionChain* chain = of(node); chain != nullptr && !is_step(node)) roots.insert(chain->root);
  }
}

}  // namespace shiftsim::quantizer
