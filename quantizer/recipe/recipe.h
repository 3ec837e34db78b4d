// Recipes: how a network is quantized. configs/recipes/nearest.yaml documents every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/yaml_forward.h"
#include "qnet/network.h"
#include "quantizer/recipe/effort.h"
#include "quantizer/recipe/widths.h"

namespace shiftsim::quantizer {

/// How large the units of reconstruction are.
enum class Granularity {
  kLayer,    ///< each convolution by itself (AdaRound)
  kBlock,    ///< residual blocks, inverted residuals, depthwise separable pairs (BRECQ)
  kPair,     ///< two neighbouring blocks (after MRECG)
  kNetwork,  ///< all layers together
};

/// What a recipe says about one layer, by name.
struct LayerOverride {
  std::optional<int> weight_bits, activation_bits;  ///< activation: of the layer's output
};

/// Which network's activations the exponents are searched on.
enum class ActivationSource { kQuantized, kFloat };

/// What scales may be.
enum class Scales {
  kPowerOfTwo,
  kFree,  ///< any; only fake quantization, to compare with
};

/// How the search rounds weights.
enum class IntegerWeightSearch {
  kNearest,  ///< each to its nearest integer weight
  kOutput,   ///< all of a channel together, by the error of its output (integer_weight_search.h)
};

/// How the parameters of the weights' quantizers are found before anything is learned.
enum class ParameterSearch {
  kExhaustive,  ///< every exponent with every half-step offset
  kStatic,      ///< the free scale's quantizer, rounded to a power of two once and for all
};

/// When activation scales are learned.
enum class ActivationLearning {
  kNone,   ///< only searched
  kAfter,  ///< after all weights of the network, which are learned with float activations (BRECQ, RAPQ)
  kJoint,  ///< together with the weights (QDrop)
};

/// What rounding is learned against.
enum class LossNorm {
  kFixed,      ///< |y - y_float|^p
  kBatchNorm,  ///< p by RAPQ's rule from the unit's last BatchNorm
};

/// Learned rounding, unit by unit. configs/recipes/rapq.yaml documents every key. Iterations and the rates of rounding
/// and activations are numbers once load_recipe() is through: what the files leave to the effort is settled there.
struct Reconstruction {
  Granularity units = Granularity::kBlock;
  bool stem = false;  ///< the first layer, too
  int iterations = 20000, batch = 32;
  double rounding_rate = 1e-3, rounding_weight = 0.01, warmup = 0.2;
  bool relax_exponents = false;
  double exponent_share = 0.2;  ///< of the iterations
  ActivationLearning activations = ActivationLearning::kNone;
  int activation_iterations = 5000;
  double activation_rate = 4e-4;
  double drop = 0;  ///< probability that an activation stays float
  LossNorm loss = LossNorm::kFixed;
  double norm = 2, norm_gain = 0.1;
  bool learn_bias = false;
  double bias_rate = 1e-3;
  bool exponent_moves = false;
  bool judge = false;  ///< on held-out images against the search, which is taken where the units are no better
};

/// How the network stage passes from a latent weight to its integer while it learns.
enum class StageRounding {
  kStraightThrough,  ///< rounded; the gradient passes as if it were not
  kSoft,             ///< softly, by a curve that gets steeper until it is a step
};

/// What follows once every unit is done: the whole network against the float network's output.
struct NetworkStage {
  int iterations = 0, batch = 32;
  StageRounding rounding = StageRounding::kStraightThrough;  ///< of weights below 8 bits
  double slope = 4;                                          ///< of soft rounding, at first
  double weight_rate = 0.01;                                 ///< integers a step
  double bias_rate = 1e-3, activation_rate = 1e-3;
  double temperature = 4;
  double hint_weight = 0;  ///< of the blocks' outputs beside the logits
  bool mirror = true;      ///< images are shown mirrored half of the time
  double shift = 0.1;      ///< and moved by up to this part of their size
  bool exponent_moves = false;
  int images = 1024;          ///< drawn from the calibration set, those of the search among them
  int held_out_images = 256;  ///< at most so many of them, and a fifth, are held out
};

struct Recipe {
  std::string method = "nearest";
  Effort effort = Effort::kNormal;
  Scales scales = Scales::kPowerOfTwo;
  ParameterSearch parameter_search = ParameterSearch::kExhaustive;
  Reconstruction reconstruction;
  NetworkStage network;
  double memory_gb = 4;  ///< of the program, 10^9 bytes; activations beyond it go to files
  std::filesystem::path spill_folder = std::filesystem::temp_directory_path();
  int weight_bits = 4, first_weight_bits = 8, last_weight_bits = 8;
  std::optional<int> depthwise_weight_bits;  ///< none: as weight_bits
  bool offsets = true;
  int activation_bits = 4, stem_bits = 8, residual_bits = 8, linear_bits = 8, pool_bits = 8;
  ActivationSource activation_source = ActivationSource::kFloat;
  bool channel_exponents = true;
  bool align_scales = false;
  IntegerWeightSearch integer_weights = IntegerWeightSearch::kNearest;
  double norm = 2.4;
  bool bias_correction = true;
  int acc_bits = 24;
  int calibration_images = 256;
  bool calibration_mirror = false;  ///< mirrored images fill up where there are fewer
  std::int64_t calibration_seed = 1;
  qnet::InputSpec input;
  std::map<std::string, LayerOverride> layers;
};

/// Whether the method learns anything.
inline bool learns(const Recipe& recipe) {
  return recipe.method != "nearest";
}

inline bool has_network_stage(const Recipe& recipe) {
  return recipe.network.iterations > 0 || recipe.network.exponent_moves;
}

/// Whether the learned units are judged on held-out images.
inline bool judges_units(const Recipe& recipe) {
  return learns(recipe) && recipe.reconstruction.judge;
}

/// Whether some of network.images are held out.
inline bool holds_out(const Recipe& recipe) {
  return has_network_stage(recipe) || judges_units(recipe);
}

/// What the command line says.
struct RecipeSources {
  std::optional<std::filesystem::path> file;    ///< none: the defaults
  std::optional<std::filesystem::path> input;   ///< --input
  std::vector<std::string> overrides;           ///< --set key=value
  std::optional<std::int64_t> seed;             ///< --seed
  std::optional<Widths> widths = {};            ///< --bits, in place of the file's
  std::optional<Effort> effort = {};            ///< --effort
  std::optional<int> iterations = {};           ///< of each unit, in place of what the effort says
  std::shared_ptr<const YAML::Node> keys = {};  ///< of a mapping at hand, in place of a file; "recipe" in messages
};

/// Reads the recipe, what it extends first, then applies the command line. What a file says under 'by_bits' holds for
/// the widths that result; what it leaves to the effort is decided. Throws UserError with file and line: an unknown key
/// (with the nearest known one), a wrong type, a value out of range, files that extend each other.
Recipe load_recipe(const RecipeSources& sources);

/// What the network's provenance calls the recipe: "best_w2a4", "best" without --bits, "defaults" without a file,
/// "own" for a mapping at hand.
std::string label_of(const RecipeSources& sources);

/// The recipe as YAML, every key with its value; reading it back gives the same recipe.
std::string to_yaml(const Recipe& recipe);

/// The same but 'layers', each key with its range and what it means.
std::string explain_recipe(const Recipe& recipe);

}  // namespace shiftsim::quantizer
