// Recipes: how a network is quantized. configs/recipes/nearest.yaml documents every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::quantizer {

/// What a recipe says about one layer, by name.
struct LayerOverride {
  std::optional<int> weight_bits, activation_bits;  ///< activation: of the layer's output
};

/// Which network's activations the exponents are searched on.
enum class ActivationSource { kQuantized, kFloat };

struct Recipe {
  std::string method = "nearest";
  int weight_bits = 4, first_weight_bits = 8, last_weight_bits = 8;
  std::optional<int> depthwise_weight_bits;  ///< none: as weight_bits
  bool offsets = true;
  int activation_bits = 4, stem_bits = 8, residual_bits = 8, linear_bits = 8, pool_bits = 8;
  ActivationSource activation_source = ActivationSource::kFloat;
  bool channel_exponents = true;
  double norm = 2.4;
  bool bias_correction = true;
  int acc_bits = 24;
  int calibration_images = 256;
  std::int64_t calibration_seed = 1;
  qnet::InputSpec input;
  std::map<std::string, LayerOverride> layers;
};

/// What the command line says beside the recipe file.
struct RecipeSources {
  std::optional<std::filesystem::path> file;   ///< none: the defaults
  std::optional<std::filesystem::path> input;  ///< --input
  std::vector<std::string> overrides;          ///< --set key=value
  std::optional<std::int64_t> seed;            ///< --seed
};

/// Reads the recipe, what it extends first, then applies the command line. Throws UserError with file and line: an
/// unknown key (with the nearest known one), a wrong type, a value out of range, files that extend each other.
Recipe load_recipe(const RecipeSources& sources);

/// The recipe as YAML, every key with its value; reading it back gives the same recipe.
std::string to_yaml(const Recipe& recipe);

}  // namespace shiftsim::quantizer
