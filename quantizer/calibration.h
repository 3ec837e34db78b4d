// Quantization by rounding to nearest, layer after layer on calibration images.
#pragma once

#include <vector>

#include "common/images.h"
#include "quantizer/plan.h"
#include "quantizer/quantized_network.h"
#include "quantizer/recipe.h"

namespace shiftsim::quantizer {

/// 'count' different images drawn from a set of 'available' (all of them if there are not more), by seed. The same on
/// every machine.
std::vector<std::size_t> choose_images(std::size_t available, std::size_t count, std::int64_t seed);

/// Searches the grids of all weights and the exponents of all activations. Layers are taken in order; each sees the
/// calibration images through the network quantized so far, and its float twin through the float network. The result is
/// legal: see legality.h. The same bits at any number of threads. Memory: the tensors alive between two layers, twice,
/// as floats for all images.
QuantizedNetwork quantize_nearest(const Plan& plan, const Recipe& recipe, const ImageSet& images,
                                  const std::vector<std::size_t>& chosen, int threads);

}  // namespace shiftsim::quantizer
