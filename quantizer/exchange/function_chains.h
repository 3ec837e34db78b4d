// Which quantizations of a file round a function of other codes: they become activation tables.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "quantizer/exchange/import_state.h"

namespace shiftsim::quantizer {

/// The nodes between a quantized value and the quantization of a function of it.
struct FunctionChain {
  int root = 0;         ///< the node whose codes the function is of
  std::set<int> nodes;  ///< behind it, in the graph's order; quantizations may be among them
  int function = 0;     ///< the last that is more than a scale, a shift, a clamp or a sum
};

class FunctionChains {
public:
  /// Throws UserError naming the function that reads something other than one quantized value.
  explicit FunctionChains(const ImportState& state);

  /// Of a quantization; null where it rounds sums, or a tensor.
  const FunctionChain* of(int quantization) const;
  /// Whether a node is but a step of functions, and no value of the network.
  bool is_step(int node) const { return is_step_[static_cast<std::size_t>(node)]; }

private:
  struct Search {
    std::set<int> nodes, leaves;
  };

  void open(int node, Search& search) const;
  bool is_quantized(int leaf) const;
  void find(int quantization);
  void check(const Search& search) const;
  void mark_steps();

  const ImportState& state_;
  std::map<int, FunctionChain> chains_;  ///< by their quantizations
  std::vector<bool> is_step_;            ///< by node
};

}  // namespace shiftsim::quantizer
