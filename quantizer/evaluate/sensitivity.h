// How much the network's output changes when one layer alone gets weights of 2, 4 or 8 bits.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "common/images.h"
#include "quantizer/plan/plan.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// The widths of weights that the hardware has, narrowest first.
inline constexpr std::array<int, 3> kWeightWidths = {2, 4, 8};

/// One layer's weights at one width, all else float.
struct WidthSensitivity {
  int bits = 0;
  double weight_sqnr = 0;  ///< dB; infinite where exact
  double output_sqnr = 0;  ///< dB, of the layer's output after addition and activation function; infinite where exact
  /// KL(softmax(float logits) || softmax(logits)) in nats, the mean over the images: 0 where the output is the same.
  double divergence = 0;
};

struct LayerSensitivity {
  std::string name;
  std::size_t weights = 0;               ///< how many
  int recipe_bits = 8;                   ///< what the recipe gives it
  std::string policy;                    ///< why: PlannedLayer::policy
  bool varies = false;                   ///< governed by the recipe's weight_bits alone, so that a search may change it
  std::vector<WidthSensitivity> widths;  ///< as kWeightWidths
};

struct SensitivityOptions {
  int threads = 1;
  std::size_t images = 128;  ///< of the chosen ones, from the first: for the divergence
};

/// Every layer with weights of its own (not additions and average pools that were made convolutions), in order of
/// execution. Quantizers and corrected biases are those that the recipe's search finds on all chosen images when
/// nothing before the layer is quantized. The same at any number of threads.
std::vector<LayerSensitivity> measure_sensitivity(Plan plan, const Recipe& recipe, const ImageSet& images,
                                                  const std::vector<std::size_t>& chosen,
                                                  const SensitivityOptions& options);

}  // namespace shiftsim::quantizer
