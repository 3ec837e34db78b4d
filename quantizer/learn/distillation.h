// The network stage: all rounding, biases and activation exponents together, against the float network's output.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "quantizer/learn/held_out_divergence.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

struct DistillationResult {
  double before = 0, after = 0;  ///< KL divergence of the hard model, on held-out images
};

/// Learns on calibration images without labels: the float network gives the target for every image, however shifted or
/// mirrored (distillation, Hinton et al. 2015). Each weight is a latent one that learns by the
/// straight through gradient of the integer weight it rounds to (Bengio et al. 2013), so that every forward pass is
/// that of a legal network, and integer weights may leave the neighbourhood of the float weight. Activation exponents
/// learn in log2, rounded in the forward pass (TQT, Jain et al. 2020). The best hard model, by held-out images, is
/// taken over; what was there before counts as one. The result depends on the seed, but not on the number of threads.
DistillationResult distill(const ImageSet& images, const std::vector<std::size_t>& chosen, const Recipe& recipe,
                           std::uint64_t seed, ThreadPool& workers, HeldOutDivergence& held_out,
                           QuantizedNetwork& network, const std::function<void(int)>& progress = {});

/// Bytes that distill() takes on so many images, those held out left aside.
std::size_t distillation_memory(const Plan& plan, const Recipe& recipe, std::size_t images, int threads);

}  // namespace shiftsim::quantizer
