// What the gradient tests share: random values, and central differences of a forward pass.
#pragma once

#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace shiftsim::quantizer {

std::vector<float> random_values(std::mt19937& random, std::size_t count, float deviation = 1.0f);

double dot(std::span<const float> a, std::span<const float> b);

double rms(std::span<const float> values);

/// Compares elements of 'gradient' with central differences of 'function', which is linear in each element of
/// 'variables' but for kinks (ReLU, the largest of a window). Elements with a kink within 'step' are left out: there
/// the function bends, and its second difference says so.
void expect_differences(std::vector<float>& variables, std::span<const float> gradient,
                        const std::function<double()>& function, float step, std::mt19937& random,
                        const std::string& what);

}  // namespace shiftsim::quantizer
