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

}  // namespace shiftsim::quantizer
