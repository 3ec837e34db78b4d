// The whole way: ONNX to integers. What the integers mean, evaluated in double by fake_quantization.h, must equal the
// golden reference bit for bit; and every width must be kept.
#include "quantizer/export/integer_export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/images.h"
#include "qnet/bounds.h"
#include "qnet/golden.h"
#include "quantizer/app/quantize.h"
#include "quantizer/app/report.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/export/activation_table.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/bit_exact.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

class Export : public TemporaryFolder {
protected:
  static QuantizedNetwork decide(const Graph& graph, const Recipe& recipe, const ImageSet& images, int threads = 2) {
    const Plan plan = make_plan(graph, recipe, "model");
    const auto chosen = choose_images(images.count, static_cast<std::size_t>(recipe.calibration_images), 1);
    return quantizer::quantize(plan, recipe, images, chosen, {threads, std::nullopt, ""});
  }
  static qnet::Network quantize(const Graph& graph, const Recipe& recipe, const ImageSet& images, int threads = 2) {
    qnet::Network network = to_integers(decide(graph, recipe, images, threads));
    qnet::validate(network, "model");
    return network;
  }

  /// What is written: tables behind the clamps of the layers before them.
  static void expect_merged_gives_the_same(const qnet::Network& network, const ImageSet& images) {
    const qnet::Network merged = merge_tables(network);
    qnet::validate(merged, "merged");
    EXPECT_EQ(qnet::Golden(merged).run(images.image(0), images.count, 2),
              qnet::Golden(network).run(images.image(0), images.count, 2));
  }

  Graph import(const OnnxBuilder& builder) const { return import_onnx(builder.save(folder_ / "m.onnx")); }

  static Recipe recipe_of(int weights, int activations) {
    Recipe recipe;
    recipe.weight_bits = weights;
    recipe.activation_bits = activations;
    recipe.calibration_images = 16;
    recipe.input = {{0.4}, {0.3}, 255};
    return recipe;
  }
};

TEST_F(Export, EqualsFakeQuantizationOnEveryStructureAndWidth) {
  unsigned seed = 0;
  for (const int weights : {2, 4, 8}) {
    for (const int activations : {2, 4, 8}) {
      ++seed;
      Recipe recipe = recipe_of(weights, activations);
      recipe.linear_bits = recipe.residual_bits = seed % 2 == 0 ? 4 : 8;
      recipe.stem_bits = seed % 3 == 0 ? 4 : 8;
      recipe.channel_exponents = seed % 4 != 0;
      recipe.bias_correction = seed % 5 != 0;
      recipe.align_scales = seed % 2 == 1;
      if (seed % 3 == 1) recipe.integer_weights = IntegerWeightSearch::kOutput;
      const OnnxBuilder models[] = {residual_model(seed), mobile_model(seed),     preactivation_model(seed),
                                    view_model(seed),     pixel_view_model(seed), function_model(seed)};
      for (const OnnxBuilder& model : models) {
        const Graph graph = import(model);
        const ImageSet images = random_images(graph.input().shape, 20, seed);
        const QuantizedNetwork decided = decide(graph, recipe, images);
        const qnet::Network network = to_integers(decided);
        qnet::validate(network, "model");
        const std::string what =
            fmt::format("W{}A{} seed {} of {} layers", weights, activations, seed, network.layers.size());
        expect_bit_exact(network, images, 6, what);
        expect_judged_as_exported(decided, images, what);
        expect_merged_gives_the_same(network, images);
      }
    }
  }
}

TEST_F(Export, At8BitsIsNearTheFloatNetwork) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const OnnxBuilder models[] = {residual_model(seed), mobile_model(seed), preactivation_model(seed),
                                  function_model(seed)};
    for (const OnnxBuilder& model : models) {
      const Graph graph = import(model);
      const ImageSet images = random_images(graph.input().shape, 40, seed);
      const Recipe recipe = recipe_of(8, 8);
      const qnet::Network network = quantize(graph, recipe, images);
      const auto expected = FloatEngine(graph, recipe.input, 2).run(images, 0, images.count);
      const auto codes = qnet::Golden(network).run(images.image(0), images.count, 2);
      double signal = 0, noise = 0;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const double value = codes[i] * std::pow(2.0, network.output().exponents[0]);
        signal += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
        noise += (value - static_cast<double>(expected[i])) * (value - static_cast<double>(expected[i]));
      }
      EXPECT_GT(10 * std::log10(signal / noise), 24.0) << "seed " << seed << " inputs " << graph.input().shape.channels;
    }
  }
}

/// Only the function of what others read, too, is a layer of its own.
TEST_F(Export, TablesStandBehindTheLayersBefore) {
  const Graph graph = import(function_model(1));
  const ImageSet images = random_images(graph.input().shape, 20, 1);
  const qnet::Network network = quantize(graph, recipe_of(4, 4), images), merged = merge_tables(network);
  int tables = 0, alone = 0, before = 0;
  for (const qnet::Layer& layer : network.layers) before += layer.has_table();
  for (const qnet::Layer& layer : merged.layers) {
    tables += layer.has_table();
    const bool by_itself = layer.has_table() && layer.kind == qnet::LayerKind::kSumPool && layer.kernel_h == 1;
    alone += by_itself;
    EXPECT_TRUE(!by_itself || layer.name == "Softplus_softplus") << layer.name;
  }
  EXPECT_EQ(before, 9);
  EXPECT_EQ(tables, before);
  EXPECT_EQ(alone, 1);
  EXPECT_EQ(merged.layers.size() + 8, network.layers.size());
  EXPECT_EQ(merged.tensors.size() + 8, network.tensors.size());
}

TEST_F(Export, TablesAreTheFunctionsCodes) {
  const ScalarFunction tanh = ScalarFunction::apply(ScalarOp::kTanh, ScalarFunction::input());
  // Codes of a 32nd to codes of an eighth, 4 bits: from -8 to 7.
  const std::vector<std::uint8_t> table = activation_table(tanh, {-128, -5}, {4, true, {}}, -3);
  for (int code = -128; code < 128; ++code) {
    const double wanted = std::min(std::floor(std::tanh(code / 32.0) * 8 + 0.5), 7.0);
    EXPECT_EQ(static_cast<std::int8_t>(table[static_cast<std::size_t>(code & 255)]), wanted) << code;
  }
  const ScalarFunction twice = affine(ScalarFunction::input(), 2, -1);
  const std::vector<std::uint8_t> above = activation_table(twice, {0, 0}, {8, false, {}}, 0);
  EXPECT_EQ(above[0], 0) << "-1";
  EXPECT_EQ(above[1], 1);
  EXPECT_EQ(above[100], 199);
  EXPECT_EQ(above[255], 255) << "509";
}

TEST_F(Export, IsTheSameAtAnyNumberOfThreads) {
  const Graph graph = import(mobile_model(3));
  const ImageSet images = random_images(graph.input().shape, 20, 3);
  const qnet::Network one = quantize(graph, recipe_of(2, 4), images, 1),
                      three = quantize(graph, recipe_of(2, 4), images, 3);
  for (std::size_t i = 0; i < one.layers.size(); ++i) {
    EXPECT_EQ(one.layers[i].weights, three.layers[i].weights);
    EXPECT_EQ(one.layers[i].bias, three.layers[i].bias);
    EXPECT_EQ(one.layers[i].shifts, three.layers[i].shifts);
  }
}

TEST_F(Export, MergesAdditionsAsTheContractSays) {
  const qnet::Network network = [&] {
    const Graph graph = import(residual_model(1));
    return quantize(graph, recipe_of(4, 4), random_images(graph.input().shape, 16, 1));
  }();
  const auto layer = [&](const std::string& name) -> const qnet::Layer& {
    for (const qnet::Layer& candidate : network.layers)
      if (candidate.name == name) return candidate;
    throw std::runtime_error(name);
  };
  EXPECT_EQ(network.tensors[static_cast<std::size_t>(layer("a2").residual)].name, "stem");
  EXPECT_EQ(layer("a2").activation, qnet::Activation::kRelu);
  // Of the two convolutions in front of the addition that with more weights to a sum, and the finer accumulator, takes
  // it; the shortcut's output is a tensor of its own.
  EXPECT_EQ(network.tensors[static_cast<std::size_t>(layer("b2").residual)].name, "b_short");
  EXPECT_EQ(network.out(layer("b_short")).bits, 8);
  EXPECT_TRUE(network.out(layer("b_short")).is_signed);
  EXPECT_EQ(network.out(layer("stem")).bits, 8);
  EXPECT_EQ(network.out(layer("a1")).bits, 4);
  EXPECT_EQ(layer("stem").weight_bits, 8);
  EXPECT_EQ(layer("fc").weight_bits, 8);
  EXPECT_EQ(layer("stem").pad_values, std::vector<std::uint8_t>{102});  // round(255 * 0.4)
  EXPECT_EQ(layer("GlobalAveragePool_gap").kind, qnet::LayerKind::kSumPool);
}

TEST_F(Export, CopiesForAdditionsAreExactTwoBitOnes) {
  const Graph graph = import(mobile_model(2));
  const qnet::Network network = quantize(graph, recipe_of(4, 4), random_images(graph.input().shape, 16, 1));
  bool found = false;
  for (const qnet::Layer& layer : network.layers) {
    if (layer.name != "Add_again") continue;
    found = true;
    EXPECT_EQ(layer.weight_bits, 2);
    EXPECT_EQ(layer.groups, 6);
    EXPECT_GE(layer.residual, 0);
    for (std::size_t k = 0; k < layer.weights.size(); ++k)
      EXPECT_EQ(std::ldexp(layer.weights[k] + layer.offsets[k] / 2.0, layer.weight_exponents[k]), 1.0);
  }
  EXPECT_TRUE(found);
}

TEST_F(Export, KeepsWithinTheAccumulator) {
  for (const int acc_bits : {16, 18, 24}) {
    const Graph graph = import(residual_model(4, 3, 12));
    Recipe recipe = recipe_of(8, 8);
    recipe.acc_bits = acc_bits;
    const qnet::Network network = quantize(graph, recipe, random_images(graph.input().shape, 16, 1));
    for (const qnet::Layer& layer : network.layers)
      if (layer.kind == qnet::LayerKind::kConv) {
        EXPECT_LE(qnet::bounds(network, layer).accumulator.bits(), acc_bits) << layer.name;
      }
  }
}

TEST_F(Export, SurvivesDeadAndHugeChannels) {
  OnnxBuilder model = residual_model(5);
  for (auto& tensor : *model.model.mutable_graph()->mutable_initializer()) {
    auto* values = reinterpret_cast<float*>(tensor.mutable_raw_data()->data());
    if (tensor.name() == "a1_bn.weight") {
      values[0] = 0;      // no weights at all
      values[1] = 1e-9f;  // next to none
      values[2] = 1e-30f;
    }
    if (tensor.name() == "b2_bn.weight") values[3] = 2000;
    if (tensor.name() == "stem_bn.bias") values[2] = -300;  // never fires
    if (tensor.name() == "fc.weight") std::fill_n(values + 10, 10, 1e-7f);
    if (tensor.name() == "fc.bias") values[1] = -5;
  }
  const Graph graph = import(model);
  const ImageSet images = random_images(graph.input().shape, 16, 1);
  for (const int bits : {2, 4, 8})
    expect_bit_exact(quantize(graph, recipe_of(bits, 4), images), images, 4, "dead channels");
}

TEST_F(Export, OverridesSingleLayers) {
  const Graph graph = import(residual_model(1));
  Recipe recipe = recipe_of(4, 4);
  recipe.layers["a1"] = {8, 8};
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  for (const PlannedLayer& layer : plan.layers)
    if (layer.name == "a1") {
      EXPECT_EQ(layer.weight_bits, 8);
      EXPECT_EQ(plan.tensor(layer.output).range.bits, 8);
    }
  recipe.layers["b_shrot"] = {8, {}};
  expect_user_error([&] { make_plan(graph, recipe, "m.onnx"); }, {"m.onnx", "'b_shrot'", "'b_short'"});
}

TEST_F(Export, RejectsNormalizationsThatDoNotFit) {
  const Graph graph = import(residual_model(1));
  Recipe recipe = recipe_of(4, 4);
  recipe.input = {{0.1, 0.2, 0.3}, {1}, 255};
  expect_user_error([&] { make_plan(graph, recipe, "m.onnx"); }, {"m.onnx", "1 channels", "3 values in mean"});
  recipe.input = {{-0.5}, {1}, 255};
  expect_user_error([&] { make_plan(graph, recipe, "m.onnx"); }, {"padding value", "-128"});
}

/// The tables name what is kept at 8 bits.
TEST_F(Export, PrintsThePolicy) {
  const Graph graph = import(mobile_model(1));
  const Recipe recipe = recipe_of(4, 4);
  const Plan plan = make_plan(graph, recipe, "m");
  const std::string policy = policy_text(plan, recipe);
  for (const char* word : {"W4A4", "first layer W8", "last layer W8", "stem output A8", "linear output A8"})
    EXPECT_NE(policy.find(word), std::string::npos) << policy;
  const ImageSet images = random_images(graph.input().shape, 16, 1);
  const QuantizedNetwork quantized =
      quantizer::quantize(plan, recipe, images, choose_images(16, 16, 1), {2, std::nullopt, ""});
  const std::string table = layer_table(quantized, to_integers(quantized));
  std::size_t start = 0, lines = 0;
  for (std::size_t end = table.find('\n'); end != std::string::npos; end = table.find('\n', start)) {
    EXPECT_LE(end - start, 120u);
    start = end + 1;
    ++lines;
  }
  EXPECT_EQ(lines, plan.layers.size() + 1);
}

// ---- the project's own networks on real images ----

class RealNetwork : public Export, public testing::WithParamInterface<const char*> {};

TEST_P(RealNetwork, EqualsFakeQuantization) {
  const fs::path model = fs::path(SHIFTSIM_SOURCE_DIR) / "models" / GetParam();
  const fs::path images_file = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
  ASSERT_TRUE(fs::exists(model)) << model;
  ASSERT_TRUE(fs::exists(images_file)) << "scripts/setup installs dataset-fashion-mnist";
  const ImageSet images = read_images(images_file, {}, 1, 64);
  const Graph graph = import_onnx(model);
  for (const auto& [weights, activations] : {std::pair{4, 4}, std::pair{2, 4}, std::pair{8, 8}}) {
    Recipe recipe = recipe_of(weights, activations);
    recipe.calibration_images = 32;
    recipe.input = {{0.2860}, {0.3530}, 255};
    expect_bit_exact(quantize(graph, recipe, images), images, 3, fmt::format("W{}A{}", weights, activations));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, RealNetwork,
                         testing::Values("resnet_fmnist.onnx", "resnet8_fmnist.onnx", "mobilenet_fmnist.onnx"),
                         [](const auto& instance) {
                           const std::string name = instance.param;
                           return name.substr(0, name.find('_'));
                         });

TEST_F(Export, ResNet20OfTheSharedData) {
  const char* data = std::getenv("SHIFTSIM_DATA");
  if (data == nullptr) GTEST_SKIP() << "SHIFTSIM_DATA is not set";
  const fs::path folder = data;
  const Graph graph = import_onnx(folder / "resnet20_cifar10.onnx");
  const ImageSet images = read_images(folder / "cifar10/train4000_images.npy", {}, 3, 64);
  Recipe recipe = recipe_of(4, 4);
  recipe.calibration_images = 32;
  recipe.input = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, 255};
  expect_bit_exact(quantize(graph, recipe, images), images, 2, "ResNet-20");
}

}  // namespace
}  // namespace shiftsim::quantizer
