// Divergence of one network's class probabilities from another's.
#pragma once

#include <cstddef>

namespace shiftsim::quantizer {

/// Kullback-Leibler divergence of softmax(logits / T) from softmax(target / T), in nats, times T^2 so that its gradient
/// keeps its size (Hinton et al. 2015). gradient (may be null): with regard to the logits, times 'factor'.
double divergence(const float* logits, const float* target, float* gradient, std::size_t classes, double temperature,
                  double factor);

}  // namespace shiftsim::quantizer
