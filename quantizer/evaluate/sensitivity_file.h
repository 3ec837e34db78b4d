// Sensitivities as a file and as a table.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "quantizer/evaluate/sensitivity.h"

namespace shiftsim::quantizer {

/// What a sensitivity file says. docs/mixed-precision.md documents its keys.
struct SensitivityFile {
  std::string network;                  ///< the plan's name
  std::string model, recipe;            ///< file names
  std::string model_hash, recipe_hash;  ///< SHA-256, the recipe's of its text with every key
  std::size_t search_images = 0;        ///< that quantizers and biases were found on
  std::size_t divergence_images = 0;    ///< that the divergence is the mean over
  std::vector<LayerSensitivity> layers;
};

std::string to_json(const SensitivityFile& file);

/// Throws UserError with file and line: malformed, a key missing, a number out of range, a layer or width twice.
/// Signal-to-noise ratios are not read back; they stand in the file for people.
SensitivityFile read_sensitivity(const std::filesystem::path& file);

/// The layers, most sensitive first (largest divergence at the fewest bits), at most 120 columns.
std::string sensitivity_table(const SensitivityFile& file);

}  // namespace shiftsim::quantizer
