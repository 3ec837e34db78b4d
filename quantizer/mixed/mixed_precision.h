// Mixed precision as a multiple-choice knapsack: one width for each layer, the least total divergence within a budget.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace shiftsim::quantizer {

/// One way to execute a layer.
struct WidthChoice {
  int bits = 0;           ///< of the weights
  double cost = 0;        ///< at least 0, in the budget's unit (cycles, uJ, KiB)
  double divergence = 0;  ///< at least 0: what this width alone does to the network's output
};

struct Assignment {
  std::vector<std::size_t> chosen;  ///< by layer: index of the choice
  double cost = 0, divergence = 0;  ///< totals
};

/// The least possible total cost: each layer's cheapest choice.
double least_cost(std::span<const std::vector<WidthChoice>> layers);

/// One choice for each layer with the least total divergence among those whose total cost is at most 'budget'; of equal
/// divergences the lower cost. Exact, not greedy: partial assignments, layer after layer, of which only those stay that
/// no other beats in both cost and divergence (Nemhauser and Ullmann 1969) and that could still beat the best known
/// (bounded by the Lagrangian relaxation). None if nothing fits. Each layer needs at least one choice.
///
/// That divergences of single layers add up is the usual assumption of such a search (HAWQ-V2, Dong et al. 2020;
/// HAWQ-V3, Yao et al. 2021, which states it as an integer program): it holds while each of them is small.
std::optional<Assignment> least_divergence(std::span<const std::vector<WidthChoice>> layers, double budget);

}  // namespace shiftsim::quantizer
