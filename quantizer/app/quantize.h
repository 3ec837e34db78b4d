// The whole quantization of a planned network: search, reconstruction unit by unit, and what follows.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/images.h"
#include "quantizer/app/learning_record.h"
#include "quantizer/app/timeline.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/image_roles.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

struct QuantizeOptions {
  int threads = 1;
  /// Where finished units are kept until the run ends, so that a stopped run goes on there; none: nowhere.
  std::optional<std::filesystem::path> checkpoint;
  /// Of everything the result depends on; a checkpoint of another fingerprint is discarded.
  std::string fingerprint;
  /// Gets the stages "alignment", "search", "units", "judging", "network", "exponent moves" and "statistics", those
  /// that run. May be null.
  Timeline* timeline = nullptr;
  /// Gets the losses of the units and the divergences of the stages. May be null.
  LearningRecord* record = nullptr;
};

/// Quantizes by the recipe's method on the chosen images, each in its role (image_roles.h). The result is the same at
/// any number of threads, and whether or not the run was stopped on the way. Throws UserError where activations find no
/// room on disk.
QuantizedNetwork quantize(Plan plan, const Recipe& recipe, const ImageSet& images,
                          const std::vector<std::size_t>& chosen, const QuantizeOptions& options);

}  // namespace shiftsim::quantizer
