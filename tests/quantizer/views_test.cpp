// Images shown in other ways than they are, and the layers in front of a unit run over them.
#include "quantizer/views.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "quantizer/calibration.h"
#include "quantizer/image_input.h"
#include "quantizer/onnx_import.h"
#include "quantizer/reconstruction/learned.h"
#include "quantizer/reconstruction/prefix.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/bit_exact.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

class ViewsTest : public TemporaryFolder {
protected:
  ViewsTest()
      : recipe(load_recipe({{}, {}, {"calibration.images=6", "input={mean: [0.4], std: [0.3], scale: 255}"}, {}})) {
    plan = make_plan(import_onnx(residual_model(4).save(folder_ / "m.onnx")), recipe, "m.onnx");
    images = random_images(plan.tensor(0).shape, 6, 3);
  }

  std::size_t size() const { return plan.tensor(0).shape.size(); }

  std::vector<float> view(const Views& how, std::size_t which, std::uint64_t random) const {
    std::vector<float> result(size());
    ViewSource(plan, images, pool, how).show(which, random, result.data());
    return result;
  }

  /// Image i has the value 40 * i everywhere.
  void make_flat() {
    for (std::size_t i = 0; i < images.count; ++i)
      std::fill_n(images.pixels.begin() + static_cast<std::ptrdiff_t>(i * size()), size(),
                  static_cast<std::uint8_t>(40 * i));
  }
  float flat(std::size_t image) const { return static_cast<float>(40 * static_cast<int>(image) - plan.pad_values[0]); }

  Recipe recipe;
  Plan plan;
  ImageSet images;
  std::vector<std::size_t> pool{5, 2, 4};
};

TEST_F(ViewsTest, AreTheImagesWhereNothingIsWanted) {
  std::vector<float> plain(size()), wanted(size());
  for (std::size_t which = 0; which < pool.size(); ++which) {
    place_image(plan, images.image(pool[which]), wanted.data());
    ViewSource(plan, images, pool, Views{}).show_plain(which, plain.data());
    EXPECT_EQ(plain, wanted);
    EXPECT_EQ(view({.mirror = false, .shift = 0}, which, 77), wanted);
  }
}

TEST_F(ViewsTest, AreMovedAndMirrored) {
  const Views how{.mirror = true, .shift = 0.15};  // by one pixel of nine
  std::vector<std::vector<float>> possible;
  for (const bool mirror : {false, true})
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        possible.emplace_back(size());
        place_image(plan, images.image(pool[1]), dy, dx, mirror, possible.back().data());
      }
  std::set<std::size_t> seen;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const auto found = std::find(possible.begin(), possible.end(), view(how, 1, mix_seed(9, i)));
    ASSERT_NE(found, possible.end()) << i;
    seen.insert(static_cast<std::size_t>(found - possible.begin()));
  }
  EXPECT_EQ(seen.size(), possible.size());
}

TEST_F(ViewsTest, AreEnlargedParts) {
  const Views how{.mirror = false, .shift = 0, .zoom = 0.25};
  // A ramp stays a ramp, at least half as steep, and all its values are those of the image, which ends where it ends.
  for (std::size_t i = 0; i < size(); ++i)
    images.pixels[pool[0] * size() + i] = static_cast<std::uint8_t>(20 * (i % 9));
  const auto value = [&](int pixel) { return static_cast<float>(pixel - plan.pad_values[0]); };
  std::set<float> starts;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::vector<float> shown = view(how, 0, mix_seed(3, i));
    const float slope = shown[1] - shown[0];
    EXPECT_GE(slope, 9.99f);
    EXPECT_LE(slope, 20.01f);
    EXPECT_GE(shown[0], value(0));
    for (std::size_t at = 0; at < size(); ++at)
      EXPECT_NEAR(shown[at], std::min(shown[0] + slope * static_cast<float>(at % 9), value(160)), 1e-3) << i;
    starts.insert(shown[0]);
  }
  EXPECT_GT(starts.size(), 40u);
}

TEST_F(ViewsTest, AreMixedOfTwoImages) {
  make_flat();
  const Views how{.mirror = false, .shift = 0, .zoom = 1, .mix = 0.6};
  int plain = 0, blended = 0, pasted = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::vector<float> shown = view(how, 0, mix_seed(4, i));
    const std::set<float> values(shown.begin(), shown.end());
    if (values == std::set<float>{flat(5)}) {
      ++plain;
    } else if (values.size() == 1) {
      ++blended;
      EXPECT_GE(*values.begin(), flat(2));
      EXPECT_LE(*values.begin(), flat(5));
    } else {
      ++pasted;
      ASSERT_EQ(values.size(), 2u);
      EXPECT_EQ(*values.rbegin(), flat(5));
      EXPECT_TRUE(*values.begin() == flat(2) || *values.begin() == flat(4));
    }
  }
  // Of the 600 mixed ones a third finds its own image, and of the rectangles some are empty or all there is.
  EXPECT_NEAR(plain, 400 + 200, 80);
  EXPECT_NEAR(blended, 200, 60);
  EXPECT_NEAR(pasted, 200, 60);
}

TEST_F(ViewsTest, DependOnTheDrawAlone) {
  const Views how{.mirror = true, .shift = 0.2, .zoom = 0.5, .mix = 0.5};
  EXPECT_EQ(view(how, 1, 12), view(how, 1, 12));
  EXPECT_NE(view(how, 1, 12), view(how, 1, 13));
}

/// Where the calibrator has them already, the layers in front of a unit give the same.
TEST_F(ViewsTest, PrefixIsWhatTheCalibratorComputes) {
  Workers workers(2);
  ActivationMemory memory(std::size_t{1} << 30, folder_);
  QuantizedNetwork network = undecided(plan);
  Calibrator calibrator(plan, recipe, workers, memory, network);
  calibrator.load(images, pool);
  for (int layer = 0; layer + 1 < static_cast<int>(plan.layers.size()); ++layer) {
    calibrator.run(static_cast<std::size_t>(layer), {});
    const int tensor = plan.layers[static_cast<std::size_t>(layer)].output;
    const ViewSource views(plan, images, pool, recipe.views);
    const auto run = [&](const std::function<void(UnitModel&)>& set_up) {
      return run_prefix(
          plan, layer + 1, {tensor}, pool.size(), [&](std::size_t i, float* to) { views.show_plain(i, to); }, set_up,
          workers, memory);
    };
    const auto exact = run([&](UnitModel& model) { set_float(model, plan); });
    const auto quantized = run([&](UnitModel& model) { set_quantized(model, network, true); });
    ASSERT_EQ(exact[0].size(), calibrator.reference(tensor).size());
    double step = 0;
    for (const double s : network.steps(tensor)) step = std::max(step, s);
    std::size_t ties = 0;
    for (std::size_t i = 0; i < exact[0].size(); ++i) {
      ASSERT_NEAR(exact[0].data()[i], calibrator.reference(tensor).data()[i], 1e-4) << layer << " " << i;
      const double apart = std::abs(quantized[0].data()[i] - calibrator.quantized(tensor).data()[i]);
      ASSERT_LE(apart, 1.01 * step) << layer << " " << i;
      ties += apart > 1e-4 ? 1u : 0u;
    }
    EXPECT_LE(ties, exact[0].size() / 50) << layer;  // rounded the other way by the order of a sum
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
