#include "quantizer/recipe.h"

#include <algorithm>
#include <limits>

#include "common/error.h"
#include "common/text.h"
#include "common/yaml.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepestExtends = 8;

/// 2, 4 or 8 bits.
int get_bits(YamlMap& map, const std::string& key, int fallback) {
  const long bits = map.get_int(key, 2, 8, fallback);
  if (bits != 2 && bits != 4 && bits != 8) map.error(key, fmt::format("found {}, expected 2, 4 or 8", bits));
  return static_cast<int>(bits);
}

/// {mean: [...], std: [...], scale: s}
qnet::InputSpec read_input_values(YamlMap& map) {
  qnet::InputSpec spec;
  spec.mean = map.get_numbers("mean");
  spec.std_dev = map.get_numbers("std");
  spec.scale = map.get_number("scale", 1e-6, 1e6);
  for (const auto* list : {&spec.mean, &spec.std_dev})
    if (list->empty() || list->size() > 16)
      map.error(list == &spec.mean ? "mean" : "std", "expected one number, or one per channel");
  if (std::any_of(spec.std_dev.begin(), spec.std_dev.end(), [](double value) { return !(value > 0); }))
    map.error("std", "expected numbers above 0");
  map.finish();
  return spec;
}

qnet::InputSpec read_input_file(const fs::path& file) {
  YamlMap map = YamlMap::load(file);
  return read_input_values(map);
}

LayerOverride read_override(YamlMap map) {
  LayerOverride result;
  if (map.has("weight_bits")) result.weight_bits = get_bits(map, "weight_bits", 0);
  if (map.has("activation_bits")) result.activation_bits = get_bits(map, "activation_bits", 0);
  map.finish();
  return result;
}

/// Lays the keys of one mapping over a recipe. 'folder': where relative file names start.
void apply(YamlMap& map, const fs::path& folder, Recipe& recipe) {
  recipe.method = map.get_choice("method", {"nearest"}, recipe.method);
  recipe.weight_bits = get_bits(map, "weight_bits", recipe.weight_bits);
  recipe.first_weight_bits = get_bits(map, "first_weight_bits", recipe.first_weight_bits);
  recipe.last_weight_bits = get_bits(map, "last_weight_bits", recipe.last_weight_bits);
  if (map.has("depthwise_weight_bits")) recipe.depthwise_weight_bits = get_bits(map, "depthwise_weight_bits", 0);
  recipe.offsets = map.get_bool("offsets", recipe.offsets);
  recipe.activation_bits = get_bits(map, "activation_bits", recipe.activation_bits);
  recipe.stem_bits = get_bits(map, "stem_bits", recipe.stem_bits);
  recipe.residual_bits = get_bits(map, "residual_bits", recipe.residual_bits);
  recipe.linear_bits = get_bits(map, "linear_bits", recipe.linear_bits);
  recipe.pool_bits = get_bits(map, "pool_bits", recipe.pool_bits);
  const bool quantized = recipe.activation_source == ActivationSource::kQuantized;
  const std::string source =
      map.get_choice("activation_source", {"quantized", "float"}, quantized ? "quantized" : "float");
  recipe.activation_source = source == "float" ? ActivationSource::kFloat : ActivationSource::kQuantized;
  recipe.channel_exponents = map.get_bool("channel_exponents", recipe.channel_exponents);
  recipe.norm = map.get_number("norm", 1, 8, recipe.norm);
  recipe.bias_correction = map.get_bool("bias_correction", recipe.bias_correction);
  recipe.acc_bits = static_cast<int>(map.get_int("acc_bits", 16, 32, recipe.acc_bits));

  YamlMap calibration = map.get_map("calibration", true);
  recipe.calibration_images = static_cast<int>(calibration.get_int("images", 1, 1 << 20, recipe.calibration_images));
  recipe.calibration_seed = calibration.get_int("seed", 0, std::numeric_limits<long>::max(), recipe.calibration_seed);
  calibration.finish();

  if (map.has("input")) {
    YamlMap input = map.get_map("input");
    if (input.has("file")) {
      const fs::path file = folder / input.get_string("file");
      input.finish();
      recipe.input = read_input_file(file);
    } else {
      recipe.input = read_input_values(input);
    }
  }
  YamlMap layers = map.get_map("layers", true);
  for (const std::string& name : layers.keys()) recipe.layers[name] = read_override(layers.get_map(name));
  map.finish();
}

void apply_file(const fs::path& file, int depth, Recipe& recipe) {
  if (depth > kDeepestExtends) fail("{}: recipes extend each other more than {} deep", file.string(), kDeepestExtends);
  YamlMap map = YamlMap::load(file);
  if (map.has("extends")) apply_file(file.parent_path() / map.get_string("extends"), depth + 1, recipe);
  apply(map, file.parent_path(), recipe);
}

std::string yaml_list(const std::vector<double>& values) {
  return fmt::format("[{}]", join(values));
}

}  // namespace

Recipe load_recipe(const RecipeSources& sources) {
  Recipe recipe;
  if (sources.file) apply_file(*sources.file, 0, recipe);
  if (sources.input) recipe.input = read_input_file(*sources.input);
  YAML::Node overrides(YAML::NodeType::Map);
  for (const std::string& assignment : sources.overrides) apply_override(overrides, assignment);
  YamlMap map(overrides, "--set");
  apply(map, "", recipe);
  if (sources.seed) recipe.calibration_seed = *sources.seed;
  return recipe;
}

std::string to_yaml(const Recipe& recipe) {
  std::string text;
  const auto line = [&](const char* key, const auto& value) { text += fmt::format("{}: {}\n", key, value); };
  line("method", recipe.method);
  line("weight_bits", recipe.weight_bits);
  line("first_weight_bits", recipe.first_weight_bits);
  line("last_weight_bits", recipe.last_weight_bits);
  line("depthwise_weight_bits", recipe.depthwise_weight_bits.value_or(recipe.weight_bits));
  line("offsets", recipe.offsets);
  line("activation_bits", recipe.activation_bits);
  line("stem_bits", recipe.stem_bits);
  line("residual_bits", recipe.residual_bits);
  line("linear_bits", recipe.linear_bits);
  line("pool_bits", recipe.pool_bits);
  line("activation_source", recipe.activation_source == ActivationSource::kFloat ? "float" : "quantized");
  line("channel_exponents", recipe.channel_exponents);
  line("norm", recipe.norm);
  line("bias_correction", recipe.bias_correction);
  line("acc_bits", recipe.acc_bits);
  text += fmt::format("calibration: {{images: {}, seed: {}}}\n", recipe.calibration_images, recipe.calibration_seed);
  text += fmt::format("input: {{mean: {}, std: {}, scale: {}}}\n", yaml_list(recipe.input.mean),
                      yaml_list(recipe.input.std_dev), recipe.input.scale);
  if (recipe.layers.empty()) return text;
  text += "layers:\n";
  for (const auto& [name, layer] : recipe.layers) {
    std::vector<std::string> keys;
    if (layer.weight_bits) keys.push_back(fmt::format("weight_bits: {}", *layer.weight_bits));
    if (layer.activation_bits) keys.push_back(fmt::format("activation_bits: {}", *layer.activation_bits));
    text += fmt::format("  \"{}\": {{{}}}\n", name, join(keys));
  }
  return text;
}

}  // namespace shiftsim::quantizer
