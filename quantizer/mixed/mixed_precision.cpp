#include "quantizer/mixed/mixed_precision.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

using Layers = std::span<const std::vector<WidthChoice>>;

/// Sums in another order differ in their last digits; what is equal but for these is not rejected.
constexpr double kSlack = 1e-12;

/// The choice with the least divergence + price * cost; the cheaper of equals.
std::size_t best_at(const std::vector<WidthChoice>& choices, double price) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < choices.size(); ++i) {
    const auto value = [&](std::size_t j) { return choices[j].divergence + price * choices[j].cost; };
    if (value(i) < value(best) || (value(i) == value(best) && choices[i].cost < choices[best].cost)) best = i;
  }
  return best;
}

Assignment at_price(Layers layers, double price) {
  Assignment result;
  for (const auto& choices : layers) {
    const std::size_t best = best_at(choices, price);
    result.chosen.push_back(best);
    result.cost += choices[best].cost;
    result.divergence += choices[best].divergence;
  }
  return result;
}

/// A price of cost at which the cheapest-at-this-price assignment keeps the budget, nearly as low as possible, so that
/// it bounds tightly. Any price bounds correctly.
double price_of(Layers layers, double budget) {
  if (at_price(layers, 0).cost <= budget) return 0;
  double high = 1e-12;
  constexpr double kTop = 1e30;
  while (high < kTop && at_price(layers, high).cost > budget) high *= 4;
  double low = high / 4;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (at_price(layers, middle).cost <= budget ? high : low) = middle;
  }
  return high;
}

/// A partial assignment: of the layers up to some layer.
struct State {
  double cost = 0, divergence = 0;
  std::size_t parent = 0, choice = 0;
};

/// Keeps the states that no other beats in both respects.
void keep_undominated(std::vector<State>& states) {
  std::sort(states.begin(), states.end(), [](const State& a, const State& b) {
    if (a.cost != b.cost) return a.cost < b.cost;
    if (a.divergence != b.divergence) return a.divergence < b.divergence;
    return a.parent != b.parent ? a.parent < b.parent : a.choice < b.choice;
  });
  std::size_t kept = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const State& state : states) {
    if (state.divergence >= least) continue;
    least = state.divergence;
    states[kept++] = state;
  }
  states.resize(kept);
}

}  // namespace

double least_cost(Layers layers) {
  double sum = 0;
  for (const auto& choices : layers)
    sum += std::min_element(choices.begin(), choices.end(), [](const WidthChoice& a, const WidthChoice& b) {
             return a.cost < b.cost;
           })->cost;
  return sum;
}

std::optional<Assignment> least_divergence(Layers layers, double budget) {
  for (const auto& choices : layers) SHIFTSIM_CHECK(!choices.empty(), "a layer without a choice");
  const double limit = budget + kSlack * std::abs(budget);
  const double price = price_of(layers, limit);
  const Assignment relaxed = at_price(layers, price);
  const double known = relaxed.cost <= limit ? relaxed.divergence : std::numeric_limits<double>::infinity();

  // What the layers behind cost at least, and their divergence + price * cost at least.
  std::vector<double> cheapest(layers.size() + 1, 0), bound(layers.size() + 1, 0);
  for (std::size_t i = layers.size(); i-- > 0;) {
    const WidthChoice& best = layers[i][best_at(layers[i], price)];
    bound[i] = bound[i + 1] + best.divergence + price * best.cost;
    cheapest[i] = cheapest[i + 1] + least_cost(layers.subspan(i, 1));
  }

  std::vector<std::vector<State>> states{{State{}}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::vector<State> next;
    for (std::size_t s = 0; s < states[i].size(); ++s)
      for (std::size_t c = 0; c < layers[i].size(); ++c) {
        const State state{states[i][s].cost + layers[i][c].cost, states[i][s].divergence + layers[i][c].divergence, s,
                          c};
        if (state.cost + cheapest[i + 1] > limit) continue;
        // The layers behind may spend limit - cost; at 'price' for each unit they do no better than this.
        const double reach = state.divergence + bound[i + 1] - price * (limit - state.cost);
        if (reach > known + kSlack * (known + price * limit)) continue;
        next.push_back(state);
      }
    keep_undominated(next);
    if (next.empty()) return std::nullopt;
    states.push_back(std::move(next));
  }

  const auto best = std::min_element(states.back().begin(), states.back().end(),
                                     [](const State& a, const State& b) { return a.divergence < b.divergence; });
  Assignment result;
  result.chosen.resize(layers.size());
  result.cost = best->cost;
  result.divergence = best->divergence;
  auto at = static_cast<std::size_t>(best - states.back().begin());
  for (std::size_t i = layers.size(); i-- > 0;) {
    result.chosen[i] = states[i + 1][at].choice;
    at = states[i + 1][at].parent;
  }
  return result;
}

}  // namespace shiftsim::quantizer
