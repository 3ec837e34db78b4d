// Sensitivities: what a layer's width does to the output, measured layer by layer, equals running whole networks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "quantizer/evaluate/sensitivity.h"
#include "quantizer/evaluate/variant_network.h"
#include "quantizer/import/onnx_import.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

ImageSet random_images(std::size_t count, const Shape& shape, unsigned seed) {
  ImageSet images;
  images.count = count;
  images.channels = static_cast<std::size_t>(shape.channels);
  images.height = static_cast<std::size_t>(shape.height);
  images.width = static_cast<std::size_t>(shape.width);
  images.pixels.resize(count * shape.size());
  std::mt19937 random(seed);
  for (auto& pixel : images.pixels) pixel = static_cast<std::uint8_t>(random() % 256);
  return images;
}

class Sensitivity : public TemporaryFolder {
protected:
  Sensitivity() {
    recipe_.input.mean = {0.5};
    recipe_.input.std_dev = {0.25};
    recipe_.input.scale = 255;
  }

  void load(const OnnxBuilder& model) {
    const auto file = folder_ / "m.onnx";
    model.save(file);
    graph_ = import_onnx(file);
    plan_ = make_plan(graph_, recipe_, "m.onnx");
    images_ = random_images(20, graph_.input().shape, 3);
    chosen_.resize(images_.count);
    for (std::size_t i = 0; i < chosen_.size(); ++i) chosen_[i] = images_.count - 1 - i;
  }

  std::vector<LayerSensitivity> measure(int threads = 2, std::size_t images = 100) const {
    SensitivityOptions options;
    options.threads = threads;
    options.images = images;
    return measure_sensitivity(plan_, recipe_, images_, chosen_, options);
  }

  Recipe recipe_;
  Graph graph_;
  Plan plan_;
  ImageSet images_;
  std::vector<std::size_t> chosen_;
};

TEST_F(Sensitivity, FallsWithTheWidth) {
  for (const auto& model : {residual_model(4), mobile_model(5)}) {
    load(model);
    const auto layers = measure();
    ASSERT_GE(layers.size(), 4u);
    double sums[3] = {};
    for (const LayerSensitivity& layer : layers) {
      SCOPED_TRACE(layer.name);
      ASSERT_EQ(layer.widths.size(), 3u);
      for (std::size_t w = 0; w < 3; ++w) {
        EXPECT_EQ(layer.widths[w].bits, kWeightWidths[w]);
        sums[w] += layer.widths[w].divergence;
      }
      EXPECT_GT(layer.widths[0].divergence, 0);
      EXPECT_GT(layer.widths[0].divergence, layer.widths[2].divergence);
      EXPECT_LT(layer.widths[0].weight_sqnr + 20, layer.widths[2].weight_sqnr);
      EXPECT_LT(layer.widths[0].output_sqnr + 20, layer.widths[2].output_sqnr);
    }
    EXPECT_GT(sums[0], 3 * sums[1]);
    EXPECT_GT(sums[1], 3 * sums[2]);
  }
}

TEST_F(Sensitivity, ListsLayersWithWeightsOfTheirOwn) {
  recipe_.layers["dw2"].weight_bits = 2;
  recipe_.depthwise_weight_bits = 8;
  load(mobile_model(5));
  std::map<std::string, const LayerSensitivity*> found;
  const auto layers = measure();
  for (const LayerSensitivity& layer : layers) found[layer.name] = &layer;
  for (const char* name : {"avg", "avg3", "again"}) EXPECT_EQ(found.count(name), 0u) << name;
  ASSERT_EQ(found.size(), 8u);
  for (const char* name : {"p1", "e2", "p2", "e3"}) EXPECT_TRUE(found.at(name)->varies) << name;
  EXPECT_FALSE(found.at("stem")->varies);
  EXPECT_EQ(found.at("stem")->policy, "first");
  EXPECT_FALSE(found.at("dw1")->varies) << "the recipe has a key of its own for depthwise layers";
  EXPECT_FALSE(found.at("dw2")->varies) << "the user has decided";
  EXPECT_EQ(found.at("dw2")->recipe_bits, 2);
}

TEST_F(Sensitivity, AnExactLayerIsZero) {
  load(residual_model(8));
  // Every weight of the block's second convolution is a level of a mid-rise W2 quantizer, so of W4's and W8's.
  const float levels[] = {-0.375f, -0.125f, 0.125f, 0.375f};
  std::mt19937 random(1);
  for (PlannedLayer& layer : plan_.layers)
    if (layer.name == "a2")
      for (float& weight : layer.weight) weight = levels[random() % 4];
  for (const LayerSensitivity& layer : measure()) {
    for (const WidthSensitivity& width : layer.widths) {
      if (layer.name == "a2") {
        EXPECT_EQ(width.divergence, 0) << width.bits;
        EXPECT_TRUE(std::isinf(width.weight_sqnr)) << width.bits;
        EXPECT_TRUE(std::isinf(width.output_sqnr)) << width.bits;
      } else {
        EXPECT_GT(width.divergence, 0) << layer.name;
      }
    }
  }
}

TEST_F(Sensitivity, DoesNotDependOnThreadsAndCountsImages) {
  load(residual_model(4));
  const auto one = measure(1), three = measure(3), fewer = measure(2, 11);
  bool differs = false;
  for (std::size_t i = 0; i < one.size(); ++i)
    for (std::size_t w = 0; w < 3; ++w) {
      EXPECT_EQ(one[i].widths[w].divergence, three[i].widths[w].divergence);
      differs = differs || one[i].widths[w].divergence != fewer[i].widths[w].divergence;
    }
  EXPECT_TRUE(differs);
}

/// From the layer on, or the whole network with these weights: the same bits.
TEST_F(Sensitivity, TheRestOfTheNetworkEqualsTheWholeNetwork) {
  for (const auto& model : {residual_model(4), mobile_model(5), preactivation_model(6)}) {
    load(model);
    constexpr std::size_t kImages = 5;
    std::vector<float> pixels(kImages * images_.image_size());
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<float>(images_.pixels[i] - plan_.pad_values[i % images_.channels]);
    VariantNetwork network(plan_, kImages, 1);
    std::mt19937 random(9);
    std::normal_distribution<float> noise(0, 0.05f);
    std::vector<std::pair<std::size_t, Plan>> variants;
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      if (plan_.layers[i].kind != qnet::LayerKind::kConv) continue;
      Plan changed = plan_;
      for (float& weight : changed.layers[i].weight) weight += noise(random);
      for (float& bias : changed.layers[i].bias) bias += noise(random);
      const auto number = network.add_variant(i, changed.layers[i].weight, changed.layers[i].bias);
      variants.emplace_back(number, std::move(changed));
    }
    ASSERT_GE(variants.size(), 5u);
    const auto exact = network.forward(0, pixels.data(), kImages);
    const std::vector<float> before(exact.begin(), exact.end());
    for (const auto& [number, changed] : variants) {
      SCOPED_TRACE(number);
      const auto found = network.forward_variant(0, number);
      VariantNetwork whole(changed, kImages, 1);
      const auto expected = whole.forward(0, pixels.data(), kImages);
      ASSERT_EQ(found.size(), expected.size());
      std::size_t different = 0;
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], expected[i]);
        different += found[i] != before[i] ? 1 : 0;
      }
      EXPECT_GT(different, 0u);
      EXPECT_TRUE(std::equal(before.begin(), before.end(), exact.begin())) << "the float logits stay valid";
    }
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
