// Networks split into reconstruction units: by structure, whatever the names.
#include "quantizer/plan/units.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "quantizer/import/onnx_import.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/imagenet_models.h"
#include "tests/quantizer/models.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

class Units : public TemporaryFolder {
protected:
  Plan plan(const OnnxBuilder& model, bool imagenet = false) const {
    Recipe recipe;
    if (imagenet)
      recipe.input = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, 255};
    else
      recipe.input = {{0.4}, {0.3}, 255};
    return make_plan(import_onnx(model.save(folder_ / "m.onnx")), recipe, "m.onnx");
  }

  /// Units follow each other without a gap, each with all it reads from outside; but for single layers, nothing but
  /// the unit's output is read behind it.
  static void expect_sound(const Plan& plan, const std::vector<Unit>& units, bool closed) {
    int next = 0;
    for (const Unit& unit : units) {
      EXPECT_EQ(unit.first, next) << unit.name;
      next = unit.last + 1;
      std::vector<int> made;
      for (int i = unit.first; i <= unit.last; ++i) made.push_back(plan.layers[static_cast<std::size_t>(i)].output);
      EXPECT_EQ(unit.output, made.back()) << unit.name;
      const auto is_made = [&](int tensor) { return std::find(made.begin(), made.end(), tensor) != made.end(); };
      for (int i = 0; i < static_cast<int>(plan.layers.size()); ++i) {
        const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
        const bool inside = i >= unit.first && i <= unit.last;
        for (const int tensor : {layer.input, layer.residual}) {
          if (tensor < 0) continue;
          if (inside) {
            EXPECT_NE(is_made(tensor), std::count(unit.inputs.begin(), unit.inputs.end(), tensor) == 1) << unit.name;
          } else if (closed && is_made(tensor)) {
            EXPECT_EQ(tensor, unit.output) << unit.name;
          }
        }
      }
      if (closed) {
        EXPECT_EQ(unit.inputs.size(), 1u) << unit.name;
      }
    }
    EXPECT_EQ(next, static_cast<int>(plan.layers.size()));
  }

  static std::vector<std::string> names(const std::vector<Unit>& units) {
    std::vector<std::string> result;
    for (const Unit& unit : units) result.push_back(unit.name);
    return result;
  }

  /// Layers a unit has.
  static std::vector<int> sizes(const std::vector<Unit>& units) {
    std::vector<int> result;
    for (const Unit& unit : units) result.push_back(unit.last - unit.first + 1);
    return result;
  }
};

struct Network {
  const char* name;
  OnnxBuilder (*build)(int size, unsigned seed);
  std::size_t blocks, units;  ///< blocks: of more than one convolution
};

void PrintTo(const Network& network, std::ostream* out) {
  *out << network.name;
}

class ImageNetUnits : public Units, public testing::WithParamInterface<Network> {};

TEST_P(ImageNetUnits, AreTheBlocksThatTheNetworkIsMadeOf) {
  const Network& of = GetParam();
  const Plan plan = this->plan(of.build(64, 1), true);
  const std::vector<Unit> units = partition(plan, Granularity::kBlock);
  expect_sound(plan, units, true);
  EXPECT_EQ(units.size(), of.units);
  std::size_t blocks = 0;
  for (const Unit& unit : units) {
    int convolutions = 0;
    for (int i = unit.first; i <= unit.last; ++i)
      convolutions += plan.layers[static_cast<std::size_t>(i)].kind == qnet::LayerKind::kConv;
    blocks += convolutions > 1;
    EXPECT_LE(convolutions, 4) << unit.name;
  }
  EXPECT_EQ(blocks, of.blocks);
}

// Beside the blocks: stem and classifier, MobileNetV2's and MNASNet's last 1x1 convolution.
INSTANTIATE_TEST_SUITE_P(Networks, ImageNetUnits,
                         testing::Values(Network{"ResNet18", resnet18_model, 8, 10},
                                         Network{"ResNet50", resnet50_model, 16, 18},
                                         Network{"MobileNetV2", mobilenet_v2_model, 17, 20},
                                         Network{"MNASNet1_0", mnasnet1_0_model, 17, 20},
                                         Network{"RegNetX600MF", regnet_x_600mf_model, 16, 18}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_F(Units, OfAResidualNetwork) {
  const Plan plan = this->plan(residual_model(1));
  const std::vector<Unit> units = partition(plan, Granularity::kBlock);
  expect_sound(plan, units, true);
  // The pool behind a block belongs to it, the global pool to the classifier.
  EXPECT_EQ(names(units),
            (std::vector<std::string>{"stem", "a1 .. MaxPool_pooled", "b1 .. b2", "GlobalAveragePool_gap .. fc"}));
}

TEST_F(Units, KeepShortcutsAcrossNormsAndCopiesWhole) {
  for (const OnnxBuilder& model : {preactivation_model(1), mobile_model(1)}) {
    const Plan plan = this->plan(model);
    for (const Granularity granularity : {Granularity::kBlock, Granularity::kPair, Granularity::kNetwork})
      expect_sound(plan, partition(plan, granularity), true);
    expect_sound(plan, partition(plan, Granularity::kLayer), false);
  }
}

TEST_F(Units, OfSingleLayersAndTheWholeNetwork) {
  const Plan plan = this->plan(residual_model(1));
  const std::vector<Unit> layers = partition(plan, Granularity::kLayer);
  expect_sound(plan, layers, false);
  EXPECT_EQ(layers.size(), plan.layers.size());
  // A convolution that an addition was merged into reads two tensors.
  EXPECT_EQ(layers[2].inputs.size(), 2u);
  const std::vector<Unit> whole = partition(plan, Granularity::kNetwork);
  ASSERT_EQ(whole.size(), 1u);
  expect_sound(plan, whole, true);
  EXPECT_EQ(whole[0].inputs, std::vector<int>{0});
}

TEST_F(Units, JoinNeighboursToPairsBehindTheStem) {
  const Plan plan = this->plan(residual_model(1));
  const std::vector<Unit> pairs = partition(plan, Granularity::kPair);
  expect_sound(plan, pairs, true);
  EXPECT_EQ(names(pairs), (std::vector<std::string>{"stem", "a1 .. b2", "GlobalAveragePool_gap .. fc"}));
}

TEST_F(Units, KeepDepthwiseWithItsPointwise) {
  constexpr auto kRelu = qnet::Activation::kRelu, kNone = qnet::Activation::kNone;
  UnitBuilder builder({4, 8, 8}, 1);
  int x = builder.conv(0, ConvOptions::same(8, 3));            // stem
  x = builder.conv(x, ConvOptions::same(8, 3, 1, 8));          // depthwise separable, active: MobileNetV1
  x = builder.conv(x, ConvOptions::same(16, 1, 1, 1, kRelu));  //
  x = builder.conv(x, ConvOptions::same(32, 1));               // pointwise, depthwise, linear bottleneck
  x = builder.conv(x, ConvOptions::same(32, 3, 1, 32));        //
  x = builder.conv(x, ConvOptions::same(8, 1, 1, 1, kNone));   //
  x = builder.conv(x, ConvOptions::same(16, 1));               // a pointwise by itself, its depthwise has an
  x = builder.conv(x, ConvOptions::same(16, 3, 1, 16));        // active pointwise behind it
  x = builder.conv(x, ConvOptions::same(8, 1));                //
  x = builder.conv(x, ConvOptions::same(8, 3, 1, 8));          // a depthwise with a plain one behind it
  x = builder.conv(x, ConvOptions::same(8, 3));                //
  x = builder.conv(x, ConvOptions::same(8, 3, 1, 4));          // grouped is not depthwise
  x = builder.conv(x, ConvOptions::same(8, 1));                //
  x = builder.max_pool(x, {2, 2, 2, 2, 1, 1, 0, 0, 0, 0});     // with what makes its input
  x = builder.sum_pool(x);                                     // with what reads it
  builder.conv(x, ConvOptions::same(4, 1, 1, 1, kNone));
  const std::vector<Unit> units = partition(builder.plan(), Granularity::kBlock);
  expect_sound(builder.plan(), units, true);
  EXPECT_EQ(sizes(units), (std::vector<int>{1, 2, 3, 1, 2, 1, 1, 1, 2, 2}));
}

TEST_F(Units, DoNotDependOnNames) {
  for (const OnnxBuilder& model : {residual_model(2), mobile_model(2), preactivation_model(2)}) {
    const Plan plan = this->plan(model);
    Plan renamed = plan;
    int number = 0;
    for (PlannedLayer& layer : renamed.layers) layer.name = fmt::format("conv{}", 100 - number++);
    for (PlannedTensor& tensor : renamed.tensors) tensor.name = fmt::format("t{}", number++ % 3);
    for (const Granularity granularity :
         {Granularity::kLayer, Granularity::kBlock, Granularity::kPair, Granularity::kNetwork}) {
      const auto before = partition(plan, granularity), after = partition(renamed, granularity);
      ASSERT_EQ(before.size(), after.size());
      for (std::size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(before[i].first, after[i].first);
        EXPECT_EQ(before[i].last, after[i].last);
        EXPECT_EQ(before[i].inputs, after[i].inputs);
        EXPECT_EQ(before[i].output, after[i].output);
      }
    }
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
