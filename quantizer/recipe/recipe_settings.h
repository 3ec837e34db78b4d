// The keys of a recipe, each declared once: name, type, range and meaning.
#pragma once

#include <vector>

#include "common/setting.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// All keys but 'layers', whose keys are names of layers, in the order in which they are printed.
const std::vector<Setting<Recipe>>& recipe_settings();

/// What a layer's entry under 'layers' may say.
const std::vector<Setting<LayerOverride>>& layer_settings();

/// Reads a file of the keys mean, std and scale.
qnet::InputSpec read_input_file(const std::filesystem::path& file);

}  // namespace shiftsim::quantizer
