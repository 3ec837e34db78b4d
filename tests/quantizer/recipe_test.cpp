// Recipes: read strictly, extended, overridden; every recipe of the project is valid.
#include "quantizer/recipe/recipe.h"

#include <gtest/gtest.h>

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
  expect_user_error([&] { load_recipe({folder_ / "none.yaml", {}, {}, {}}); }, {"none.yaml"});
}

TEST_F(RecipeFile, TheProjectsOwnAreValidAndStateTheDefaults) {
  const fs::path recipes = fs::path(SHIFTSIM_SOURCE_DIR) / "configs/recipes";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(recipes)) {
    if (entry.path().extension() != ".yaml") continue;
    load_recipe({entry.path(), {}, {}, {}});
    ++count;
  }
  EXPECT_GE(count, 10);
  for (const auto& entry : fs::directory_iterator(recipes / "inputs")) load_recipe({{}, entry.path(), {}, {}});
  Recipe defaults;
  defaults.input = {{0.2860}, {0.3530}, 255};
  EXPECT_EQ(to_yaml(load_recipe({recipes / "nearest.yaml", {}, {}, {}})), to_yaml(defaults));
  const Recipe w2a4 = load_recipe({recipes / "nearest_w2a4.yaml", {}, {}, {}});
  EXPECT_EQ(w2a4.weight_bits, 2);
  EXPECT_EQ(w2a4.activation_bits, 4);
}

}  // namespace
}  // namespace shiftsim::quantizer
