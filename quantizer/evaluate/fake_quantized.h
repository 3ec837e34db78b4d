// The quantized network executed in float: the only way to run free scales, and what integers are checked against.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "common/images.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// Logits [count][classes] of the first 'count' images, weights and activations rounded to what the network decided
/// (fake quantization). 'progress' (may be empty) gets the number of images done. The same bits at any number of
/// threads.
std::vector<float> run_fake_quantized(const QuantizedNetwork& network, const ImageSet& images, std::size_t count,
                                      int threads, const std::function<void(std::size_t)>& progress = {});

}  // namespace shiftsim::quantizer
