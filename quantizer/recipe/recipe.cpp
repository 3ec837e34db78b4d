#include "quantizer/recipe/recipe.h"

#include <algorithm>
#include <limits>

#include "common/error.h"
#include "common/text.h"
#include "common/yaml.h"
#include "quantizer/recipe/recipe_library.h"

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

template <typename T>
using Names = std::vector<std::pair<std::string, T>>;

const Names<Scales> kScales = {{"power_of_two", Scales::kPowerOfTwo}, {"free", Scales::kFree}};
const Names<CodeSearch> kCodeSearches = {{"nearest", CodeSearch::kNearest}, {"output", CodeSearch::kOutput}};
const Names<GridSearch> kGridSearches = {{"exhaustive", GridSearch::kExhaustive}, {"static", GridSearch::kStatic}};
const Names<Granularity> kGranularities = {{"layer", Granularity::kLayer},
                                           {"block", Granularity::kBlock},
                                           {"pair", Granularity::kPair},
                                           {"network", Granularity::kNetwork}};
const Names<ActivationLearning> kActivationLearnings = {
    {"none", ActivationLearning::kNone}, {"after", ActivationLearning::kAfter}, {"joint", ActivationLearning::kJoint}};
const Names<LossNorm> kLosses = {{"norm", LossNorm::kFixed}, {"batch_norm", LossNorm::kBatchNorm}};
const Names<ActivationSource> kSources = {{"quantized", ActivationSource::kQuantized},
                                          {"float", ActivationSource::kFloat}};

const Names<StageRounding> kStageRoundings = {{"straight_through", StageRounding::kStraightThrough},
                                              {"soft", StageRounding::kSoft}};

template <typename T>
std::string name_of(const Names<T>& names, T value) {
  return std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.second == value; })->first;
}

template <typename T>
T get_named(YamlMap& map, const std::string& key, const Names<T>& names, T fallback) {
  std::vector<std::string> choices;
  for (const auto& [name, value] : names) choices.push_back(name);
  const std::string chosen = map.get_choice(key, choices, name_of(names, fallback));
  return std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == chosen; })->second;
}

/// What a method is, in keys that the recipe may then change. As published.
Reconstruction method_defaults(const std::string& method) {
  Reconstruction r;
  if (method == "adaround") r.units = Granularity::kLayer;
  if (method == "brecq") r.activations = ActivationLearning::kAfter;
  if (method == "qdrop") {
    r.activations = ActivationLearning::kJoint;
    r.activation_rate = 4e-5;
    r.drop = 0.5;
  }
  if (method == "rapq") {
    r.activations = ActivationLearning::kAfter;
    r.relax_exponents = true;
    r.loss = LossNorm::kBatchNorm;
  }
  return r;
}

void apply_reconstruction(YamlMap map, Reconstruction& r) {
  r.units = get_named(map, "units", kGranularities, r.units);
  r.stem = map.get_bool("stem", r.stem);
  r.iterations = static_cast<int>(map.get_int("iterations", 1, 10'000'000, r.iterations));
  r.batch = static_cast<int>(map.get_int("batch", 1, 4096, r.batch));
  r.rounding_rate = map.get_number("rounding_rate", 0, 10, r.rounding_rate);
  r.rounding_weight = map.get_number("rounding_weight", 0, 1000, r.rounding_weight);
  r.warmup = map.get_number("warmup", 0, 1, r.warmup);
  r.relax_exponents = map.get_bool("relax_exponents", r.relax_exponents);
  r.exponent_share = map.get_number("exponent_share", 0, 1, r.exponent_share);
  r.activations = get_named(map, "activations", kActivationLearnings, r.activations);
  r.activation_iterations =
      static_cast<int>(map.get_int("activation_iterations", 0, 10'000'000, r.activation_iterations));
  r.activation_rate = map.get_number("activation_rate", 0, 10, r.activation_rate);
  r.drop = map.get_number("drop", 0, 1, r.drop);
  r.loss = get_named(map, "loss", kLosses, r.loss);
  r.norm = map.get_number("norm", 1, 8, r.norm);
  r.norm_gain = map.get_number("norm_gain", 0, 8, r.norm_gain);
  r.learn_bias = map.get_bool("learn_bias", r.learn_bias);
  r.bias_rate = map.get_number("bias_rate", 0, 10, r.bias_rate);
  r.exponent_moves = map.get_bool("exponent_moves", r.exponent_moves);
  map.finish();
}

void apply_network(YamlMap map, NetworkStage& n) {
  n.iterations = static_cast<int>(map.get_int("iterations", 0, 10'000'000, n.iterations));
  n.batch = static_cast<int>(map.get_int("batch", 1, 4096, n.batch));
  n.rounding = get_named(map, "rounding", kStageRoundings, n.rounding);
  n.slope = map.get_number("slope", 1, 60, n.slope);  // 60: SoftRounding::kLastSlope
  n.weight_rate = map.get_number("weight_rate", 0, 10, n.weight_rate);
  n.bias_rate = map.get_number("bias_rate", 0, 10, n.bias_rate);
  n.activation_rate = map.get_number("activation_rate", 0, 10, n.activation_rate);
  n.hint_weight = map.get_number("hint_weight", 0, 1000, n.hint_weight);
  n.temperature = map.get_number("temperature", 0.1, 1000, n.temperature);
  n.mirror = map.get_bool("mirror", n.mirror);
  n.shift = map.get_number("shift", 0, 0.5, n.shift);
  n.exponent_moves = map.get_bool("exponent_moves", n.exponent_moves);
  n.images = static_cast<int>(map.get_int("images", 1, 1 << 20, n.images));
  n.judges = static_cast<int>(map.get_int("held_out_images", 1, 1 << 20, n.judges));
  map.finish();
}

/// Lays the keys of one mapping over a recipe. 'folder': where relative file names start.
void apply(YamlMap& map, const fs::path& folder, Recipe& recipe) {
  if (map.has("method")) {
    recipe.method = map.get_choice("method", {"nearest", "adaround", "brecq", "qdrop", "rapq"});
    recipe.reconstruction = method_defaults(recipe.method);
    recipe.network = {};
    recipe.network.exponent_moves = recipe.method == "rapq";
  }
  recipe.scales = get_named(map, "scales", kScales, recipe.scales);
  recipe.codes = get_named(map, "integer_weights", kCodeSearches, recipe.codes);
  recipe.grid_search = get_named(map, "parameter_search", kGridSearches, recipe.grid_search);
  apply_reconstruction(map.get_map("reconstruction", true), recipe.reconstruction);
  apply_network(map.get_map("network", true), recipe.network);
  YamlMap memory = map.get_map("memory", true);
  recipe.memory_gb = memory.get_number("limit_gb", 0, 1e6, recipe.memory_gb);
  if (memory.has("folder")) recipe.spill_folder = folder / memory.get_string("folder");
  memory.finish();
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
  recipe.activation_source = get_named(map, "activation_source", kSources, recipe.activation_source);
  recipe.channel_exponents = map.get_bool("channel_exponents", recipe.channel_exponents);
  recipe.align_scales = map.get_bool("align_scales", recipe.align_scales);
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

void apply_file(const fs::path& file, int depth, const std::optional<Widths>& widths, Recipe& recipe) {
  if (depth > kDeepestExtends) fail("{}: recipes extend each other more than {} deep", file.string(), kDeepestExtends);
  YamlMap map = YamlMap::load(file);
  const fs::path folder = file.parent_path();
  if (map.has("extends")) {
    const fs::path base = recipe_file(map.get_string("extends"), folder, fmt::format("{}: extends", file.string()));
    apply_file(base, depth + 1, widths, recipe);
  }
  const YamlMap by_bits = map.get_map("by_bits", true);
  apply(map, folder, recipe);
  apply_by_bits(by_bits, folder, widths, recipe);
}

/// 'widths': those that 'by_bits' goes by; none: nothing under it holds.
Recipe resolve(const RecipeSources& sources, const std::optional<Widths>& widths) {
  Recipe recipe;
  if (sources.file) apply_file(*sources.file, 0, widths, recipe);
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
  return recipe;
}

std::string yaml_list(const std::vector<double>& values) {
  return fmt::format("[{}]", join(values));
}

}  // namespace

Recipe load_recipe(const RecipeSources& sources) {
  const Recipe found = resolve(sources, std::nullopt);
  const Recipe recipe = resolve(sources, Widths{found.weight_bits, found.activation_bits});
  if (recipe.codes == CodeSearch::kOutput && recipe.grid_search == GridSearch::kStatic)
    fail(
        "recipe: integer_weights: found output, which tries quantizer parameters of its own, with parameter_search: "
        "static; "
        "expected nearest");
  return recipe;
}

std::string label_of(const RecipeSources& sources) {
  const std::string label = sources.file ? sources.file->stem().string() : "defaults";
  return sources.widths ? fmt::format("{}_{}", label, to_string(*sources.widths)) : label;
}

std::string to_yaml(const Recipe& recipe) {
  std::string text;
  const auto line = [&](const char* key, const auto& value) { text += fmt::format("{}: {}\n", key, value); };
  line("method", recipe.method);
  line("scales", name_of(kScales, recipe.scales));
  line("parameter_search", name_of(kGridSearches, recipe.grid_search));
  line("integer_weights", name_of(kCodeSearches, recipe.codes));
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
  line("activation_source", name_of(kSources, recipe.activation_source));
  line("channel_exponents", recipe.channel_exponents);
  line("align_scales", recipe.align_scales);
  line("norm", recipe.norm);
  line("bias_correction", recipe.bias_correction);
  line("acc_bits", recipe.acc_bits);
  const Reconstruction& r = recipe.reconstruction;
  text += "reconstruction:\n";
  const auto inner = [&](const char* key, const auto& value) { text += fmt::format("  {}: {}\n", key, value); };
  inner("units", name_of(kGranularities, r.units));
  inner("stem", r.stem);
  inner("iterations", r.iterations);
  inner("batch", r.batch);
  inner("rounding_rate", r.rounding_rate);
  inner("rounding_weight", r.rounding_weight);
  inner("warmup", r.warmup);
  inner("relax_exponents", r.relax_exponents);
  inner("exponent_share", r.exponent_share);
  inner("activations", name_of(kActivationLearnings, r.activations));
  inner("activation_iterations", r.activation_iterations);
  inner("activation_rate", r.activation_rate);
  inner("drop", r.drop);
  inner("loss", name_of(kLosses, r.loss));
  inner("norm", r.norm);
  inner("norm_gain", r.norm_gain);
  inner("learn_bias", r.learn_bias);
  inner("bias_rate", r.bias_rate);
  inner("exponent_moves", r.exponent_moves);
  text += "network:\n";
  const NetworkStage& n = recipe.network;
  inner("iterations", n.iterations);
  inner("batch", n.batch);
  inner("rounding", name_of(kStageRoundings, n.rounding));
  inner("slope", n.slope);
  inner("weight_rate", n.weight_rate);
  inner("bias_rate", n.bias_rate);
  inner("activation_rate", n.activation_rate);
  inner("temperature", n.temperature);
  inner("hint_weight", n.hint_weight);
  inner("mirror", n.mirror);
  inner("shift", n.shift);
  inner("exponent_moves", n.exponent_moves);
  inner("images", n.images);
  inner("held_out_images", n.judges);
  text += fmt::format("memory: {{limit_gb: {}, folder: {}}}\n", recipe.memory_gb, recipe.spill_folder.string());
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
