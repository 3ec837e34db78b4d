#include "quantizer/learn/divergence.h"

#include <algorithm>
#include <cmath>

namespace shiftsim::quantizer {

double divergence(const float* logits, const float* target, float* gradient, std::size_t classes, double temperature,
                  double factor) {
  const auto log_sum = [&](const float* x) {
    const auto largest = static_cast<double>(*std::max_element(x, x + classes));
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp((static_cast<double>(x[c]) - largest) / temperature);
    return largest / temperature + std::log(sum);
  };
  const double own = log_sum(logits), wanted = log_sum(target);
  double total = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    const double log_p = static_cast<double>(target[c]) / temperature - wanted;
    const double log_q = static_cast<double>(logits[c]) / temperature - own;
    const double p = std::exp(log_p);
    total += p * (log_p - log_q);
    if (gradient != nullptr) gradient[c] = static_cast<float>(factor * temperature * (std::exp(log_q) - p));
  }
  return std::max(total, 0.0) * temperature * temperature;  // below 0 only by rounding
}

double output_divergence(const float* output, const float* target, float* gradient, const Shape& shape,
                         double temperature, double factor) {
  const auto classes = static_cast<std::size_t>(shape.channels);
  const std::size_t pixels = shape.size() / classes;
  const double share = factor / static_cast<double>(pixels);
  double sum = 0;
  for (std::size_t i = 0; i < shape.size(); i += classes) {
    float* const to = gradient == nullptr ? nullptr : gradient + i;
    if (classes > 1 || pixels == 1) {
      sum += divergence(output + i, target + i, to, classes, temperature, share);
      continue;
    }
    const double difference = static_cast<double>(output[i]) - static_cast<double>(target[i]);
    sum += difference * difference / 2;
    if (to != nullptr) *to = static_cast<float>(share * difference);
  }
  return sum / static_cast<double>(pixels);
}

}  // namespace shiftsim::quantizer
