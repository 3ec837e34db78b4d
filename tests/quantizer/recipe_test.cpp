// Recipes: read strictly, extended, overridden; every recipe of the project is valid.
#include "quantizer/recipe/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "common/read_file.h"
#include "quantizer/recipe/recipe_library.h"
#include "quantizer/recipe/recipe_settings.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

class RecipeFile : public TemporaryFolder {
protected:
  Recipe load(const std::string& text, std::vector<std::string> overrides = {}) const {
    return load_recipe({put("r.yaml", text), {}, std::move(overrides), {}});
  }
};

TEST_F(RecipeFile, ReadsEveryKeyAndPrintsItBack) {
  const std::string text =
      "method: nearest\nweight_bits: 2\nfirst_weight_bits: 4\nlast_weight_bits: 4\ndepthwise_weight_bits: 8\noffsets: "
      "false\n"
      "activation_bits: 2\nstem_bits: 4\nresidual_bits: 4\nlinear_bits: 4\npool_bits: 4\nactivation_source: quantized\n"
      "channel_exponents: false\nnorm: 2\nbias_correction: false\nacc_bits: 20\ncalibration: {images: 10, seed: 5}\n"
      "input: {mean: [0.1, 0.2, 0.3], std: [1, 2, 3], scale: 127.5}\nlayers:\n  a.b: {weight_bits: 8}\n  c: "
      "{activation_bits: 8}\n";
  const Recipe recipe = load(text);
  EXPECT_EQ(recipe.weight_bits, 2);
  EXPECT_EQ(recipe.depthwise_weight_bits, 8);
  EXPECT_FALSE(recipe.offsets);
  EXPECT_EQ(recipe.activation_source, ActivationSource::kQuantized);
  EXPECT_EQ(recipe.calibration_images, 10);
  EXPECT_EQ(recipe.input.mean, (std::vector<double>{0.1, 0.2, 0.3}));
  EXPECT_EQ(recipe.layers.at("a.b").weight_bits, 8);
  EXPECT_EQ(recipe.layers.at("c").activation_bits, 8);
  EXPECT_FALSE(recipe.layers.at("c").weight_bits.has_value());
  const std::string printed = to_yaml(recipe);
  EXPECT_EQ(to_yaml(load(printed)), printed);
}

TEST_F(RecipeFile, ExtendsAndOverrides) {
  put("base.yaml", "weight_bits: 8\nactivation_bits: 8\ninput: {file: in.yaml}\n");
  put("in.yaml", "mean: [0.5]\nstd: [0.25]\nscale: 255\n");
  const Recipe recipe = load("extends: base.yaml\nweight_bits: 2\n", {"activation_bits=2", "calibration.images=7"});
  EXPECT_EQ(recipe.weight_bits, 2);
  EXPECT_EQ(recipe.activation_bits, 2);
  EXPECT_EQ(recipe.calibration_images, 7);
  EXPECT_EQ(recipe.input.std_dev, std::vector<double>{0.25});
  const fs::path other = put("other.yaml", "mean: [1]\nstd: [1]\nscale: 127.5\n");
  const Recipe seeded = load_recipe({folder_ / "r.yaml", other, {}, 99});
  EXPECT_EQ(seeded.input.scale, 127.5);
  EXPECT_EQ(seeded.calibration_seed, 99);
}

TEST_F(RecipeFile, RejectsMistakesWithLineAndSuggestion) {
  expect_user_error([&] { load("method: nearest\nweight_bit: 4\n"); }, {"r.yaml:2", "weight_bit", "'weight_bits'"});
  expect_user_error([&] { load("weight_bits: 3\n"); }, {"r.yaml:1", "weight_bits", "found 3", "2, 4 or 8"});
  expect_user_error([&] { load("\nweight_bits: four\n"); }, {"r.yaml:2", "'four'", "integer"});
  expect_user_error([&] { load("calibration: {images: 0}\n"); }, {"calibration.images", "0"});
  expect_user_error([&] { load("calibration: {image: 9}\n"); }, {"calibration.image", "'images'"});
  expect_user_error([&] { load("input: {mean: [0], std: [0], scale: 255}\n"); }, {"input.std", "above 0"});
  expect_user_error([&] { load("input: {mean: [0], scale: 255}\n"); }, {"input.std", "missing"});
  expect_user_error([&] { load("layers: {a: {bits: 4}}\n"); }, {"layers.a.bits", "unknown"});
  expect_user_error([&] { load("method: nearset\n"); }, {"'nearest'"});
  expect_user_error([&] { load("extends: missing.yaml\n"); }, {"missing.yaml"});
  expect_user_error([&] { load("extends: r.yaml\n"); }, {"extend each other"});
  expect_user_error([&] { load("- weight_bits\n"); }, {"r.yaml:1", "a list", "expected a mapping"});
  expect_user_error([&] { load("weight_bits: 4\n", {"wieght_bits=2"}); }, {"--set", "wieght_bits", "'weight_bits'"});
  expect_user_error([&] { load("integer_weights: output\nparameter_search: static\n"); },
                    {"integer_weights", "output", "static"});
  expect_user_error([&] { load_recipe({folder_ / "none.yaml", {}, {}, {}, {}}); }, {"none.yaml"});
}

TEST_F(RecipeFile, TheProjectsOwnAreValidAndStateTheDefaults) {
  const fs::path recipes = fs::path(SHIFTSIM_SOURCE_DIR) / "configs/recipes";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(recipes)) {
    if (entry.path().extension() != ".yaml") continue;
    load_recipe({entry.path(), {}, {}, {}, {}});
    ++count;
  }
  EXPECT_GE(count, 8);
  for (const auto& entry : fs::directory_iterator(recipes / "inputs")) load_recipe({{}, entry.path(), {}, {}, {}});
  Recipe defaults;
  defaults.input = {{0.2860}, {0.3530}, 255};
  EXPECT_EQ(to_yaml(load_recipe({recipes / "nearest.yaml", {}, {}, {}, {}})), to_yaml(defaults));
}

TEST_F(RecipeFile, BitsDecideWhatHolds) {
  put("base.yaml",
      "weight_bits: 4\nactivation_bits: 8\nnorm: 3\nby_bits:\n  w2: {norm: 4, acc_bits: 20}\n  a4: {acc_bits: 22}\n"
      "  w2a4: {network: {slope: 9}}\n");
  const auto norm_acc_slope = [&](const std::string& text, std::optional<Widths> widths,
                                  std::vector<std::string> overrides) {
    const Recipe recipe = load_recipe({put("r.yaml", text), {}, std::move(overrides), {}, widths});
    return std::tuple(recipe.norm, recipe.acc_bits, recipe.network.slope);
  };
  const std::string base = "extends: base.yaml\n";
  EXPECT_EQ(norm_acc_slope(base, {}, {}), std::tuple(3, 24, 4));
  EXPECT_EQ(norm_acc_slope(base, Widths{2, 8}, {}), std::tuple(4, 20, 4));
  EXPECT_EQ(norm_acc_slope(base, Widths{4, 4}, {}), std::tuple(3, 22, 4));
  EXPECT_EQ(norm_acc_slope(base, Widths{2, 4}, {}), std::tuple(4, 22, 9)) << "the later of two that hold";
  EXPECT_EQ(norm_acc_slope(base, {}, {"weight_bits=2", "acc_bits=30"}), std::tuple(4, 30, 4)) << "--set is above all";
  EXPECT_EQ(norm_acc_slope(base, Widths{4, 4}, {"weight_bits=2"}), std::tuple(4, 22, 9));
  EXPECT_EQ(norm_acc_slope(base + "weight_bits: 2\n", {}, {}), std::tuple(4, 20, 4)) << "of the recipe that extends it";
  EXPECT_EQ(norm_acc_slope(base + "weight_bits: 2\nnorm: 5\n", {}, {}), std::tuple(5, 20, 4));

  // What is wrong is wrong at any widths.
  expect_user_error([&] { load("by_bits:\n  w8:\n    norms: 2\n"); }, {"r.yaml:3", "by_bits.w8.norms", "'norm'"});
  expect_user_error([&] { load("by_bits:\n  w3: {norm: 2}\n"); }, {"r.yaml:2", "by_bits.w3", "2, 4 or 8"});
  expect_user_error([&] { load("by_bits: {a4w2: {norm: 2}}\n"); }, {"by_bits.a4w2"});
  expect_user_error([&] { load("by_bits: {w2: {weight_bits: 4}}\n"); }, {"by_bits.w2.weight_bits", "decides"});
  expect_user_error([&] { load("norm: 2\n", {"by_bits.w2.norm=3"}); }, {"--set", "by_bits", "unknown"});
  EXPECT_EQ(parse_widths("W8A2", "--bits").weights, 8);
  for (const char* wrong : {"", "w2", "a2", "w3a4", "w2a4 ", "2,4", "w2a44"})
    expect_user_error([&] { parse_widths(wrong, "--bits"); }, {"--bits", "w2a4"});
}

/// The two files that document the recipes, and the reference of the program, know every key.
TEST_F(RecipeFile, EveryKeyIsExplained) {
  const fs::path recipes = fs::path(SHIFTSIM_SOURCE_DIR) / "configs/recipes";
  const std::string documents = read_file(recipes / "nearest.yaml") + read_file(recipes / "rapq.yaml");
  Recipe defaults;
  defaults.input = {{0.5}, {0.25}, 255};
  const std::string explained = explain_recipe(defaults);
  std::set<std::string> paths;
  for (const auto& setting : recipe_settings()) {
    EXPECT_TRUE(paths.insert(setting.path).second) << setting.path << " is declared twice";
    EXPECT_NE(documents.find(setting.key() + ":"), std::string::npos) << setting.path;
    EXPECT_NE(explained.find(setting.key() + ": "), std::string::npos) << setting.path;
    EXPECT_NE(explained.find("# " + setting.range + ": " + setting.help), std::string::npos) << setting.path;
  }
  EXPECT_EQ(to_yaml(load(explained)), to_yaml(defaults)) << "it reads back";
}

TEST_F(RecipeFile, TheProjectsOwnHaveNames) {
  EXPECT_THAT(recipe_names(),
              testing::ElementsAre("adaround", "best", "brecq", "full", "nearest", "qdrop", "quick", "rapq"));
  const fs::path best = recipe_file("best", "", "--recipe");
  EXPECT_TRUE(fs::equivalent(best, fs::path(SHIFTSIM_SOURCE_DIR) / "configs/recipes/best.yaml"));
  EXPECT_TRUE(is_library_recipe(best));
  EXPECT_EQ(recipe_file("best.yaml", "x", ""), "x/best.yaml");
  EXPECT_EQ(recipe_file("./best", "x", ""), "x/./best");
  EXPECT_FALSE(is_library_recipe(folder_ / "best.yaml"));
  expect_user_error([&] { recipe_file("bset", "", "--recipe"); }, {"--recipe", "'bset'", "adaround, best", "'best'?"});
  EXPECT_EQ(to_yaml(load("extends: best\n")), to_yaml(load_recipe({best, {}, {}, {}, {}})));
  expect_user_error([&] { load("extends: nearset\n"); }, {"r.yaml", "extends", "'nearest'?"});
  EXPECT_EQ(label_of({best, {}, {}, {}, Widths{2, 4}}), "best_w2a4");
  EXPECT_EQ(label_of({folder_ / "r.yaml", {}, {}, {}, {}}), "r");
  EXPECT_EQ(label_of({}), "defaults");
}

/// What `best` is at each width, key by key.
TEST_F(RecipeFile, BestDiffersByWidths) {
  const fs::path best = recipe_file("best", "", "");
  const auto found = [&](int weights, int activations) {
    const Recipe recipe = load_recipe({best, {}, {}, {}, Widths{weights, activations}});
    EXPECT_EQ(recipe.weight_bits, weights);
    EXPECT_EQ(recipe.activation_bits, activations);
    return std::tuple(recipe.network.iterations, recipe.network.slope, recipe.network.weight_rate,
                      recipe.reconstruction.rounding_weight);
  };
  EXPECT_EQ(found(2, 2), std::tuple(800, 8, 0.005, 0.1));
  for (const int activations : {4, 8}) EXPECT_EQ(found(2, activations), std::tuple(0, 8, 0.005, 0.1));
  EXPECT_EQ(found(4, 2), std::tuple(800, 4, 0.02, 0.01));
  EXPECT_EQ(found(4, 4), std::tuple(0, 4, 0.005, 1));
  EXPECT_EQ(found(4, 8), std::tuple(0, 4, 0.005, 0.01));
}

TEST_F(RecipeFile, EffortDecidesWhatIsLeftToIt) {
  const fs::path best = recipe_file("best", "", "");
  const auto found = [&](std::optional<Effort> effort, std::optional<int> iterations,
                         std::vector<std::string> overrides) {
    const Reconstruction r =
        load_recipe({best, {}, std::move(overrides), {}, Widths{2, 4}, effort, iterations}).reconstruction;
    return std::tuple(r.iterations, r.rounding_rate, r.activation_rate);
  };
  EXPECT_EQ(found({}, {}, {}), std::tuple(2000, 0.01, 0.001)) << "normal";
  EXPECT_EQ(found(Effort::kQuick, {}, {}), std::tuple(200, 0.05, 0.01));
  EXPECT_EQ(found(Effort::kThorough, {}, {}), std::tuple(6000, 20.0 / 6000, 2.0 / 6000));
  EXPECT_EQ(found({}, 20000, {}), std::tuple(20000, 0.001, 0.0001));
  EXPECT_EQ(found({}, {}, {"effort=quick"}), std::tuple(200, 0.05, 0.01));
  EXPECT_EQ(found({}, {}, {"reconstruction.iterations=1000"}), std::tuple(1000, 0.02, 0.002)) << "rates follow";
  EXPECT_EQ(found(Effort::kQuick, {}, {"reconstruction.rounding_rate=0.2"}), std::tuple(200, 0.2, 0.01));
  const std::string printed = to_yaml(load_recipe({best, {}, {}, {}, Widths{2, 4}, Effort::kQuick}));
  EXPECT_EQ(printed.find("auto"), std::string::npos);
  EXPECT_EQ(to_yaml(load(printed)), printed);

  // Where nothing is left to it, to ask for an effort is a mistake.
  const fs::path rapq = recipe_file("rapq", "", "");
  expect_user_error(
      [&] {
        load_recipe({rapq, {}, {}, {}, {}, Effort::kQuick});
      },
      {"--effort", "reconstruction.iterations: 20000", "expected auto"});
  expect_user_error([&] { load_recipe({rapq, {}, {}, {}, {}, {}, 100}); }, {"--budget-minutes", "expected auto"});
  expect_user_error([&] { load("effort: slow\n"); }, {"r.yaml:1", "effort", "'slow'", "thorough"});
  expect_user_error([&] { load("reconstruction: {rounding_rate: automatic}\n"); },
                    {"rounding_rate", "'automatic'", "a number in [0, 10], or 'auto'"});
}

}  // namespace
}  // namespace shiftsim::quantizer
