// Divergence of one network's class probabilities from another's.
#pragma once

#include <cstddef>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Kullback-Leibler divergence of softmax(logits / T) from softmax(target / T), in nats, times T^2 so that its gradient
/// keeps its size (Hinton et al. 2015). gradient (may be null): with regard to the logits, times 'factor'.
double divergence(const float* logits, const float* target, float* gradient, std::size_t classes, double temperature,
                  double factor);

/// The same of a network's output for one image, NHWC: the mean over the pixels of a map. Of a map of one channel,
/// which has no classes, half the square of the difference.
double output_divergence(const float* output, const float* target, float* gradient, const Shape& shape,
                         double temperature, double factor);

}  // namespace shiftsim::quantizer
