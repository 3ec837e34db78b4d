#include "tests/quantizer/differences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace shiftsim::quantizer {

std::vector<float> random_values(std::mt19937& random, std::size_t count, float deviation) {
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double rms(std::span<const float> values) {
  return std::sqrt(dot(values, values) / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
}

void expect_differences(std::vector<float>& variables, std::span<const float> gradient,
                        const std::function<double()>& function, float step, std::mt19937& random,
                        const std::string& what) {
  ASSERT_EQ(variables.size(), gradient.size()) << what;
  constexpr std::size_t kMost = 40;
  const double middle = function(), scale = rms(gradient);
  ASSERT_GT(scale, 0) << what << ": a gradient of zeros checks nothing";
  std::vector<std::size_t> chosen(variables.size());
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  std::shuffle(chosen.begin(), chosen.end(), random);
  chosen.resize(std::min(kMost, chosen.size()));
  std::size_t checked = 0;
  for (const std::size_t i : chosen) {
    const float before = variables[i];
    variables[i] = before + step;
    const double above = function(), width_above = static_cast<double>(variables[i] - before);
    variables[i] = before - step;
    const double below = function(), width_below = static_cast<double>(before - variables[i]);
    variables[i] = before;
    const double right = (above - middle) / width_above, left = (middle - below) / width_below;
    if (std::abs(right - left) > 1e-3 * (scale + std::abs(right))) continue;
    ++checked;
    const double found = static_cast<double>(gradient[i]);
    EXPECT_NEAR(found, (right + left) / 2, 2e-3 * (scale + std::abs(found))) << what << " element " << i;
  }
  EXPECT_GE(3 * checked, chosen.size()) << what << ": too many kinks, choose a smaller step";
}

}  // namespace shiftsim::quantizer
