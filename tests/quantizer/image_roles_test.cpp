// Which images calibrate, which are distilled from, and which are held out.
#include "quantizer/recipe/image_roles.h"

#include <gtest/gtest.h>

namespace shiftsim::quantizer {
namespace {

Recipe images_of(int calibration, int network, int held_out, int iterations = 1) {
  Recipe recipe;
  recipe.calibration_images = calibration;
  recipe.network.images = network;
  recipe.network.held_out_images = held_out;
  recipe.network.iterations = iterations;
  return recipe;
}

TEST(ImageRoles, HeldOutImagesHaveNoOtherRole) {
  const std::vector<std::size_t> chosen{7, 3, 9, 1, 0, 5, 8, 2, 6, 4};
  using Images = std::vector<std::size_t>;
  const ImageRoles enough(chosen, images_of(4, 10, 1));
  EXPECT_EQ(enough.calibration, (Images{7, 3, 9, 1}));
  EXPECT_EQ(enough.distillation, (Images{7, 3, 9, 1, 0, 5, 8, 2, 6}));
  EXPECT_EQ(enough.held_out, (Images{4}));
  const ImageRoles scarce(chosen, images_of(100, 100, 100));  // a fifth is held out
  EXPECT_EQ(scarce.calibration, (Images{7, 3, 9, 1, 0, 5, 8, 2}));
  EXPECT_EQ(scarce.held_out, (Images{6, 4}));
  EXPECT_EQ(scarce.text(), "8 images calibrate; 2 are held out");
  const ImageRoles fewer(chosen, images_of(10, 4, 100));
  EXPECT_EQ(fewer.calibration, (Images{7, 3, 9, 0, 5, 8, 2, 6, 4}));
  EXPECT_EQ(fewer.held_out, (Images{1}));
  const ImageRoles no_stage(chosen, images_of(100, 100, 100, 0));
  EXPECT_EQ(no_stage.calibration, chosen);
  EXPECT_TRUE(no_stage.held_out.empty());
  const ImageRoles single({4}, images_of(1, 1, 1));
  EXPECT_EQ(single.calibration, (Images{4}));
  EXPECT_EQ(single.distillation, (Images{4}));
  EXPECT_EQ(single.held_out, (Images{4}));
}

TEST(ImageRoles, MirroredImagesFillUp) {
  const std::vector<std::size_t> chosen{7, 3, 9, 1, 0, 5, 8, 2, 6, 4};
  using Images = std::vector<std::size_t>;
  Recipe recipe = images_of(11, 10, 2);
  EXPECT_TRUE(ImageRoles(chosen, recipe).mirrored.empty());
  recipe.calibration_mirror = true;
  const ImageRoles some(chosen, recipe);
  EXPECT_EQ(some.mirrored, (Images{7, 3, 9})) << "none that is held out";
  EXPECT_EQ(some.calibrating(), 11u);
  EXPECT_EQ(some.text(), "8 images calibrate, 3 of them mirrored, too; 2 are held out");
  recipe.calibration_images = 1000;
  EXPECT_EQ(ImageRoles(chosen, recipe).mirrored, ImageRoles(chosen, recipe).calibration) << "each once";
  recipe.calibration_images = 5;
  EXPECT_TRUE(ImageRoles(chosen, recipe).mirrored.empty()) << "there are enough";
}

}  // namespace
}  // namespace shiftsim::quantizer
