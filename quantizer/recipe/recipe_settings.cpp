#include "quantizer/recipe/recipe_settings.h"

#include <algorithm>
#include <limits>

namespace shiftsim::quantizer {

namespace {

namespace fs = std::filesystem;

using RecipeSetting = Setting<Recipe>;

/// A getter for a member of Recipe, or of one of its parts, from a constant or another owner.
// A member's name cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define OF(member)            \
  [](auto& recipe) -> auto& { \
    return recipe.member;     \
  }
// NOLINTEND(bugprone-macro-parentheses)

constexpr int kMostIterations = 10'000'000;
constexpr int kMostImages = 1 << 20;
constexpr double kLastSlope = 60;  ///< at which soft rounding ends

/// 2, 4 or 8 bits; 'value' may be optional, and then stays empty without the key. 'printed': what it is without.
template <typename Owner, typename Get, typename Printed>
Setting<Owner> bits(std::string path, std::string help, Get get, Printed printed) {
  return {std::move(path),
          "2, 4, 8",
          std::move(help),
          [=](YamlMap& map, const std::string& key, const fs::path&, Owner& owner) {
            if (!map.has(key)) return;
            const long found = map.get_int(key, 2, 8);
            if (found != 2 && found != 4 && found != 8)
              map.error(key, fmt::format("found {}, expected 2, 4 or 8", found));
            get(owner) = static_cast<int>(found);
          },
          [=](const Owner& owner) { return nlohmann::ordered_json(printed(owner)); },
          {},
          false};
}

template <typename Get>
RecipeSetting bits(std::string path, std::string help, Get get) {
  return bits<Recipe>(std::move(path), std::move(help), get, get);
}

/// Pixels: (pixel / scale - mean) / std.
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

RecipeSetting input() {
  RecipeSetting setting;
  setting.path = "input";
  setting.range = "mean, std, scale; or file";
  setting.help = "what the float network was trained on: (pixel / scale - mean) / std, one number or one per channel";
  setting.read = [](YamlMap& map, const std::string& key, const fs::path& folder, Recipe& recipe) {
    if (!map.has(key)) return;
    YamlMap values = map.get_map(key);
    if (!values.has("file")) {
      recipe.input = read_input_values(values);
      return;
    }
    const fs::path file = folder / values.get_string("file");
    values.finish();
    recipe.input = read_input_file(file);
  };
  setting.value = [](const Recipe& recipe) {
    return nlohmann::ordered_json{
        {"mean", recipe.input.mean}, {"std", recipe.input.std_dev}, {"scale", recipe.input.scale}};
  };
  return setting;
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

/// Sets the sections 'reconstruction' and 'network' to the method's defaults, too.
RecipeSetting method() {
  const std::vector<std::string> methods = {"nearest", "adaround", "brecq", "qdrop", "rapq"};
  RecipeSetting setting;
  setting.path = "method";
  setting.range = "nearest, adaround, brecq, qdrop, rapq";
  setting.help = "how weights are rounded; sets 'reconstruction' and 'network' to its defaults";
  setting.read = [methods](YamlMap& map, const std::string& key, const fs::path&, Recipe& recipe) {
    if (!map.has(key)) return;
    recipe.method = map.get_choice(key, methods);
    recipe.reconstruction = method_defaults(recipe.method);
    recipe.network = {};
    recipe.network.exponent_moves = recipe.method == "rapq";
  };
  setting.value = [](const Recipe& recipe) { return nlohmann::ordered_json(recipe.method); };
  setting.is_word = true;
  return setting;
}

/// A number in [low, high], or 'auto', which is kept as kAutomatic.
template <typename Get>
RecipeSetting automatic_number(std::string path, double low, double high, std::string help, Get get) {
  RecipeSetting setting = setting::number<Recipe>(std::move(path), low, high, std::move(help), get);
  setting.range += ", auto";
  setting.read = [=](YamlMap& map, const std::string& key, const fs::path&, Recipe& recipe) {
    double& value = get(recipe);
    value = map.get_number_or_word(key, low, high, "auto", kAutomatic, value);
  };
  return setting;
}

RecipeSetting spill_folder() {
  RecipeSetting setting;
  setting.path = "memory.folder";
  setting.range = "a folder";
  setting.help = "for the files of activations that find no room";
  setting.read = [](YamlMap& map, const std::string& key, const fs::path& folder, Recipe& recipe) {
    if (map.has(key)) recipe.spill_folder = folder / map.get_string(key);
  };
  setting.value = [](const Recipe& recipe) { return nlohmann::ordered_json(recipe.spill_folder.string()); };
  setting.is_word = true;
  return setting;
}

std::vector<RecipeSetting> make_settings() {
  using namespace setting;
  using R = Recipe;
  return {
      method(),
      choice<R, Effort>("effort",
                        {{"quick", Effort::kQuick}, {"normal", Effort::kNormal}, {"thorough", Effort::kThorough}},
                        "decides what 'reconstruction' leaves to 'auto'", OF(effort)),
      choice<R, Scales>("scales", {{"power_of_two", Scales::kPowerOfTwo}, {"free", Scales::kFree}},
                        "free: only to compare with, in fake quantization", OF(scales)),
      choice<R, ParameterSearch>(
          "parameter_search", {{"exhaustive", ParameterSearch::kExhaustive}, {"static", ParameterSearch::kStatic}},
          "every exponent and offset of weights; static: the free scale's, rounded", OF(parameter_search)),
      choice<R, IntegerWeightSearch>(
          "integer_weights", {{"nearest", IntegerWeightSearch::kNearest}, {"output", IntegerWeightSearch::kOutput}},
          "each to the nearest; output: of a channel together, by its output's error", OF(integer_weights)),
      bits("weight_bits", "weights of all layers but the first and the last", OF(weight_bits)),
      bits("first_weight_bits", "of layers that read the image", OF(first_weight_bits)),
      bits("last_weight_bits", "of the layer that gives the logits", OF(last_weight_bits)),
      bits<R>("depthwise_weight_bits", "of depthwise convolutions; without this key as weight_bits",
              OF(depthwise_weight_bits),
              [](const R& recipe) { return recipe.depthwise_weight_bits.value_or(recipe.weight_bits); }),
      boolean<R>("offsets", "search an offset of half steps per channel together with the exponent", OF(offsets)),
      bits("activation_bits", "outputs of ReLU and ReLU6", OF(activation_bits)),
      bits("stem_bits", "the first layer's output", OF(stem_bits)),
      bits("residual_bits", "a shortcut convolution's output, which nothing but the addition reads", OF(residual_bits)),
      bits("linear_bits", "other outputs without activation function", OF(linear_bits)),
      bits("pool_bits", "output of the global average pool", OF(pool_bits)),
      choice<R, ActivationSource>("activation_source",
                                  {{"quantized", ActivationSource::kQuantized}, {"float", ActivationSource::kFloat}},
                                  "whose activations the exponents are searched on", OF(activation_source)),
      boolean<R>("channel_exponents", "one exponent per channel where it is free in hardware", OF(channel_exponents)),
      boolean<R>("align_scales", "scale channels so that the steps wanted are powers of two", OF(align_scales)),
      number<R>("norm", 1, 8, "exponents minimize the sum of |x - Q(x)|^norm", OF(norm)),
      boolean<R>("bias_correction", "shift biases until the means of outputs are the float network's",
                 OF(bias_correction)),
      integer<R>("acc_bits", 16, 32, "no accumulator of so many bits can overflow", OF(acc_bits)),

      choice<R, Granularity>("reconstruction.units",
                             {{"layer", Granularity::kLayer},
                              {"block", Granularity::kBlock},
                              {"pair", Granularity::kPair},
                              {"network", Granularity::kNetwork}},
                             "what is learned together", OF(reconstruction.units)),
      boolean<R>("reconstruction.stem", "the first layer, too", OF(reconstruction.stem)),
      automatic_integer<R>("reconstruction.iterations", 1, kMostIterations, kAutomatic, "of each unit",
                           OF(reconstruction.iterations)),
      integer<R>("reconstruction.batch", 1, 4096, "images", OF(reconstruction.batch)),
      automatic_number("reconstruction.rounding_rate", 0, 10, "Adam's rate of the rounding variables",
                       OF(reconstruction.rounding_rate)),
      number<R>("reconstruction.rounding_weight", 0, 1000, "of the pull towards 0 or 1",
                OF(reconstruction.rounding_weight)),
      number<R>("reconstruction.warmup", 0, 1, "part of the iterations without that pull", OF(reconstruction.warmup)),
      boolean<R>("reconstruction.relax_exponents", "weight exponents are learned, too",
                 OF(reconstruction.relax_exponents)),
      number<R>("reconstruction.exponent_share", 0, 1, "part of the iterations in which they are",
                OF(reconstruction.exponent_share)),
      choice<R, ActivationLearning>("reconstruction.activations",
                                    {{"none", ActivationLearning::kNone},
                                     {"after", ActivationLearning::kAfter},
                                     {"joint", ActivationLearning::kJoint}},
                                    "when activation exponents are learned: after all weights, or together",
                                    OF(reconstruction.activations)),
      integer<R>("reconstruction.activation_iterations", 0, kMostIterations, "of each unit, for 'after'",
                 OF(reconstruction.activation_iterations)),
      automatic_number("reconstruction.activation_rate", 0, 10, "Adam's rate in log2 of the scale",
                       OF(reconstruction.activation_rate)),
      number<R>("reconstruction.drop", 0, 1, "probability that an activation stays float", OF(reconstruction.drop)),
      choice<R, LossNorm>("reconstruction.loss", {{"norm", LossNorm::kFixed}, {"batch_norm", LossNorm::kBatchNorm}},
                          "|y - y_float|^norm; batch_norm: the exponent by RAPQ's rule", OF(reconstruction.loss)),
      number<R>("reconstruction.norm", 1, 8, "where the loss is 'norm', and for the classifier",
                OF(reconstruction.norm)),
      number<R>("reconstruction.norm_gain", 0, 8, "of RAPQ's rule", OF(reconstruction.norm_gain)),
      boolean<R>("reconstruction.learn_bias", "biases, too", OF(reconstruction.learn_bias)),
      number<R>("reconstruction.bias_rate", 0, 10, "in units of the output's spread", OF(reconstruction.bias_rate)),
      boolean<R>("reconstruction.exponent_moves", "try each activation exponent one up and one down after the unit",
                 OF(reconstruction.exponent_moves)),
      boolean<R>("reconstruction.judge", "on held-out images: units no better than the search are dropped",
                 OF(reconstruction.judge)),

      integer<R>("network.iterations", 0, kMostIterations, "of distillation of the whole network; 0: none",
                 OF(network.iterations)),
      integer<R>("network.batch", 1, 4096, "images", OF(network.batch)),
      choice<R, StageRounding>("network.rounding",
                               {{"straight_through", StageRounding::kStraightThrough}, {"soft", StageRounding::kSoft}},
                               "of weights below 8 bits while they are learned", OF(network.rounding)),
      number<R>("network.slope", 1, kLastSlope, "of soft rounding at first", OF(network.slope)),
      number<R>("network.weight_rate", 0, 10, "Adam's rate of latent weights, in steps of their channel",
                OF(network.weight_rate)),
      number<R>("network.bias_rate", 0, 10, "of biases, in units of their output's spread", OF(network.bias_rate)),
      number<R>("network.activation_rate", 0, 10, "of activation exponents", OF(network.activation_rate)),
      number<R>("network.temperature", 0.1, 1000, "of the softmax that the KL divergence compares",
                OF(network.temperature)),
      number<R>("network.hint_weight", 0, 1000, "of the errors of the blocks' outputs beside the logits",
                OF(network.hint_weight)),
      boolean<R>("network.mirror", "show the images mirrored half of the time", OF(network.mirror)),
      number<R>("network.shift", 0, 0.5, "and moved by up to this part of their size", OF(network.shift)),
      boolean<R>("network.exponent_moves", "last, keep steps of scale groups that lower the KL divergence",
                 OF(network.exponent_moves)),
      integer<R>("network.images", 1, kMostImages, "drawn from the calibration set, those of the search among them",
                 OF(network.images)),
      integer<R>("network.held_out_images", 1, kMostImages, "at most so many, and a fifth, are held out to judge on",
                 OF(network.held_out_images)),

      number<R>("memory.limit_gb", 0, 1e6, "of the whole program, mapped files apart", OF(memory_gb)),
      spill_folder(),
      integer<R>("calibration.images", 1, kMostImages, "drawn from the calibration set", OF(calibration_images)),
      boolean<R>("calibration.mirror", "where there are fewer, show search and units mirrored ones, too",
                 OF(calibration_mirror)),
      integer<R>("calibration.seed", 0, std::numeric_limits<long>::max(), "of the draw and of all learning",
                 OF(calibration_seed)),
      input(),
  };
}

}  // namespace

const std::vector<RecipeSetting>& recipe_settings() {
  static const std::vector<RecipeSetting> settings = make_settings();
  return settings;
}

const std::vector<Setting<LayerOverride>>& layer_settings() {
  static const auto make = [](const char* key, const char* help, std::optional<int> LayerOverride::*member) {
    return bits<LayerOverride>(
        key, help, [member](auto& layer) -> auto& { return layer.*member; },
        [member](const LayerOverride& layer) {
          return (layer.*member) ? nlohmann::ordered_json(*(layer.*member)) : nlohmann::ordered_json();
        });
  };
  static const std::vector<Setting<LayerOverride>> settings = {
      make("weight_bits", "of the layer's weights", &LayerOverride::weight_bits),
      make("activation_bits", "of the layer's output", &LayerOverride::activation_bits)};
  return settings;
}

qnet::InputSpec read_input_file(const fs::path& file) {
  YamlMap map = YamlMap::load(file);
  return read_input_values(map);
}

}  // namespace shiftsim::quantizer
