// The search for widths within a budget: what it finds is what trying all assignments finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "quantizer/mixed/mixed_precision.h"

namespace shiftsim::quantizer {
namespace {

using Layers = std::vector<std::vector<WidthChoice>>;

/// Least divergence within the budget over all assignments, by trying them; infinite where none fits.
double brute_force(const Layers& layers, double budget, std::size_t layer = 0, double cost = 0, double divergence = 0) {
  if (cost > budget) return std::numeric_limits<double>::infinity();
  if (layer == layers.size()) return divergence;
  double best = std::numeric_limits<double>::infinity();
  for (const WidthChoice& choice : layers[layer])
    best = std::min(best, brute_force(layers, budget, layer + 1, cost + choice.cost, divergence + choice.divergence));
  return best;
}

/// Costs are whole numbers, so that sums are exact; divergences span orders of magnitude and fall with the width as a
/// rule, not always.
Layers random_layers(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  Layers layers(count);
  for (auto& layer : layers) {
    const std::size_t choices = 1 + random() % 3;
    double cost = std::floor(1000 * uniform(random));
    double divergence = std::pow(10.0, -4 * uniform(random));
    for (std::size_t c = 0; c < choices; ++c) {
      layer.push_back({2 << c, cost, divergence});
      cost += std::floor(1000 * uniform(random) * uniform(random)) - (random() % 8 == 0 ? std::min(cost, 200.0) : 0);
      divergence *= random() % 8 == 0 ? 1.3 : 0.3 * uniform(random);
    }
    std::shuffle(layer.begin(), layer.end(), random);
  }
  return layers;
}

TEST(MixedPrecision, FindsWhatTryingAllFinds) {
  int feasible = 0, infeasible = 0, not_all_widest = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Layers layers = random_layers(seed, 1 + seed % 9);
    const double least = least_cost(layers);
    std::mt19937 random(seed + 1000);
    for (int i = 0; i < 4; ++i) {
      const double budget = std::floor(least * (0.9 + 1.2 * static_cast<double>(random() % 1000) / 1000));
      const double expected = brute_force(layers, budget);
      const auto found = least_divergence(layers, budget);
      ASSERT_EQ(found.has_value(), std::isfinite(expected)) << "budget " << budget;
      if (!found) {
        ++infeasible;
        EXPECT_LT(budget, least);
        continue;
      }
      ++feasible;
      EXPECT_NEAR(found->divergence, expected, 1e-12 * expected);
      double cost = 0, divergence = 0;
      ASSERT_EQ(found->chosen.size(), layers.size());
      for (std::size_t l = 0; l < layers.size(); ++l) {
        cost += layers[l].at(found->chosen[l]).cost;
        divergence += layers[l].at(found->chosen[l]).divergence;
      }
      EXPECT_LE(cost, budget);
      EXPECT_EQ(cost, found->cost);
      EXPECT_NEAR(divergence, found->divergence, 1e-12 * divergence);
      not_all_widest += found->divergence > brute_force(layers, 1e9) * (1 + 1e-9) ? 1 : 0;
    }
  }
  // The instances are of both kinds, and the budget mattered.
  EXPECT_GT(feasible, 500);
  EXPECT_GT(infeasible, 50);
  EXPECT_GT(not_all_widest, 200);
}

TEST(MixedPrecision, GreedyWouldMissThis) {
  // By divergence saved per cycle the first layer comes first, and then the second no longer fits.
  const Layers layers{{{2, 0, 10}, {4, 6, 1}}, {{2, 0, 12}, {4, 10, 0}}};
  const auto found = least_divergence(layers, 10);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->chosen, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(found->divergence, 10);
  EXPECT_EQ(found->cost, 10) << "a budget may be used up";
}

TEST(MixedPrecision, TheCheaperOfEquals) {
  const Layers layers{{{8, 9, 0}, {4, 5, 0}, {2, 7, 0}}};
  EXPECT_EQ(least_divergence(layers, 100)->chosen.front(), 1u);
}

TEST(MixedPrecision, SixtyLayersAreQuick) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Layers layers = random_layers(seed, 60);
    double widest = 0;
    for (const auto& layer : layers)
      widest += std::max_element(layer.begin(), layer.end(), [](const auto& a, const auto& b) {
                  return a.cost < b.cost;
                })->cost;
    const auto start = std::chrono::steady_clock::now();
    const auto found = least_divergence(layers, std::floor((least_cost(layers) + widest) / 2));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(found);
    EXPECT_LT(seconds.count(), 5);
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
