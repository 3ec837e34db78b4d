#include "quantizer/recipe/recipe.h"

#include "common/error.h"
#include "common/text.h"
#include "common/yaml.h"
#include "quantizer/recipe/recipe_library.h"
#include "quantizer/recipe/recipe_settings.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepestExtends = 8;

/// Lays the keys of one mapping over a recipe. 'folder': where relative file names start.
void apply(YamlMap& map, const fs::path& folder, Recipe& recipe) {
  setting::read(recipe_settings(), map, folder, recipe);
  YamlMap layers = map.get_map("layers", true);
  for (const std::string& name : layers.keys()) {
    YamlMap layer = layers.get_map(name);
    recipe.layers[name] = {};
    setting::read(layer_settings(), layer, folder, recipe.layers[name]);
    layer.finish();
  }
  map.finish();
}

/// Keys that hold at some widths only, over the file's others. All are checked, whatever the widths.
void apply_by_bits(YamlMap by_bits, const fs::path& folder, const std::optional<Widths>& widths, Recipe& recipe) {
  for (const std::string& key : by_bits.keys()) {
    const auto pattern = parse_width_pattern(key);
    if (!pattern) by_bits.error(key, "expected widths of 2, 4 or 8 bits, as in w2, a4 or w2a4");
    YamlMap section = by_bits.get_map(key);
    for (const char* decides : {"weight_bits", "activation_bits"})
      if (section.has(decides)) section.error(decides, "decides which part of by_bits holds: it cannot stand in it");
    Recipe changed = recipe;
    apply(section, folder, changed);
    if (widths && pattern->matches(*widths)) recipe = changed;
  }
}

/// The keys of a recipe, and first of those that it extends. 'name': of the recipe; 'folder': where its paths start.
void apply_recipe(YamlMap map, const std::string& name, const fs::path& folder, int depth,
                  const std::optional<Widths>& widths, Recipe& recipe) {
  if (depth > kDeepestExtends) fail("{}: recipes extend each other more than {} deep", name, kDeepestExtends);
  if (map.has("extends")) {
    const fs::path base = recipe_file(map.get_string("extends"), folder, fmt::format("{}: extends", name));
    apply_recipe(YamlMap::load(base), base.string(), base.parent_path(), depth + 1, widths, recipe);
  }
  const YamlMap by_bits = map.get_map("by_bits", true);
  apply(map, folder, recipe);
  apply_by_bits(by_bits, folder, widths, recipe);
}

/// 'widths': those that 'by_bits' goes by; none: nothing under it holds.
Recipe resolve(const RecipeSources& sources, const std::optional<Widths>& widths) {
  Recipe recipe;
  if (sources.file)
    apply_recipe(YamlMap::load(*sources.file), sources.file->string(), sources.file->parent_path(), 0, widths, recipe);
  if (sources.keys) apply_recipe(YamlMap(*sources.keys, "recipe"), "recipe", "", 0, widths, recipe);
  if (sources.input) recipe.input = read_input_file(*sources.input);
  if (sources.widths) {
    recipe.weight_bits = sources.widths->weights;
    recipe.activation_bits = sources.widths->activations;
  }
  YAML::Node overrides(YAML::NodeType::Map);
  for (const std::string& assignment : sources.overrides) apply_override(overrides, assignment);
  YamlMap map(overrides, "--set");
  apply(map, "", recipe);
  if (sources.seed) recipe.calibration_seed = *sources.seed;
  if (sources.effort) recipe.effort = *sources.effort;
  return recipe;
}

/// A value in one line of YAML.
std::string flow(const nlohmann::ordered_json& value) {
  std::vector<std::string> parts;
  if (value.is_object()) {
    for (const auto& [key, entry] : value.items()) parts.push_back(fmt::format("{}: {}", key, flow(entry)));
    return fmt::format("{{{}}}", join(parts));
  }
  if (!value.is_array()) return setting::scalar(value, true);
  for (const auto& entry : value) parts.push_back(flow(entry));
  return fmt::format("[{}]", join(parts));
}

}  // namespace

Recipe load_recipe(const RecipeSources& sources) {
  const Recipe found = resolve(sources, std::nullopt);
  Recipe recipe = resolve(sources, Widths{found.weight_bits, found.activation_bits});
  if (recipe.integer_weights == IntegerWeightSearch::kOutput && recipe.parameter_search == ParameterSearch::kStatic)
    fail(
        "recipe: integer_weights: found output, which tries quantizer parameters of its own, with parameter_search: "
        "static; expected nearest");
  if ((sources.effort || sources.iterations) && !leaves_iterations(recipe))
    fail("{}: the recipe has reconstruction.iterations: {}, expected auto: nothing is left to decide",
         sources.effort ? "--effort" : "--budget-minutes", recipe.reconstruction.iterations);
  settle_effort(sources.iterations, recipe);
  return recipe;
}

std::string label_of(const RecipeSources& sources) {
  const std::string label = sources.file ? sources.file->stem().string() : sources.keys ? "own" : "defaults";
  return sources.widths ? fmt::format("{}_{}", label, to_string(*sources.widths)) : label;
}

std::string to_yaml(const Recipe& recipe) {
  std::string text;
  const nlohmann::ordered_json values = setting::to_json(recipe_settings(), recipe);
  for (const auto& [key, value] : values.items()) {
    if (key != "reconstruction" && key != "network") {
      text += fmt::format("{}: {}\n", key, flow(value));
      continue;
    }
    text += key + ":\n";
    for (const auto& [inner, entry] : value.items()) text += fmt::format("  {}: {}\n", inner, flow(entry));
  }
  if (recipe.layers.empty()) return text;
  text += "layers:\n";
  for (const auto& [name, layer] : recipe.layers) {
    nlohmann::ordered_json said;
    for (const auto& setting : layer_settings())
      if (const auto value = setting.value(layer); !value.is_null()) said[setting.path] = value;
    text += fmt::format("  \"{}\": {}\n", name, flow(said));
  }
  return text;
}

std::string explain_recipe(const Recipe& recipe) {
  std::string text;
  std::string_view section;
  for (const Setting<Recipe>& setting : recipe_settings()) {
    if (setting.section() != section) {
      section = setting.section();
      if (!section.empty()) text += fmt::format("{}:\n", section);
    }
    const std::string entry =
        fmt::format("{}{}: {}", section.empty() ? "" : "  ", setting.key(), flow(setting.value(recipe)));
    text += fmt::format("{:<34} # {}: {}\n", entry, setting.range, setting.help);
  }
  return text;
}

}  // namespace shiftsim::quantizer
