// Learning of rounding, exponents, activation scales and biases of one unit, against the float network.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/thread_pool.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/plan/units.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Activations of all calibration images around a unit, [images][height][width][channels].
struct UnitData {
  std::vector<std::span<const float>> quantized, exact;  ///< by unit.inputs: from the quantized network, the float one
  std::span<const float> target;                         ///< the unit's output in the float network
  std::size_t images = 0;
};

/// What is learned, and how.
struct UnitTask {
  bool weights = true;           ///< rounding, and exponents and bias where the recipe wants them
  bool activations = false;      ///< scales of the tensors made in the unit
  bool quantized_inside = true;  ///< activations are quantized in the unit
  int iterations = 1000;
  double rounding_rate = 1e-3, activation_rate = 4e-4, norm = 2;
  std::uint64_t seed = 1;
};

struct UnitLoss {
  double before = 0, after = 0;  ///< of the hard model, over the same batches
};

/// Learns on 'data' and leaves the hard result in 'network' (quantizers, integer weights, learned_bias, scales of the
/// unit's tensors). The hard model is taken over only where its loss is less than that of what was there before. The
/// result depends on the task's seed, but not on the number of threads.
UnitLoss reconstruct(const Unit& unit, const UnitData& data, const Recipe& recipe, const UnitTask& task,
                     ThreadPool& workers, QuantizedNetwork& network, const std::function<void(int)>& progress = {});

/// Bytes that reconstruct() takes on data of so many images.
std::size_t reconstruction_memory(const Plan& plan, const Unit& unit, const Recipe& recipe, std::size_t images,
                                  int threads);

/// RAPQ's rule for the norm of a unit's loss: 1 + gain * sigmoid((sum(gamma) - 1) / C) of the unit's last BatchNorm,
/// rounded to 0.1. Where BatchNorm was folded, gamma is the deviation of each channel of the unit's last convolution in
/// the float network ('output': activations before the activation function, [pixels][channels]).
double batch_norm_loss_norm(std::span<const float> gamma, double gain);

}  // namespace shiftsim::quantizer
