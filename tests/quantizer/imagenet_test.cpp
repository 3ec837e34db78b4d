// Networks of ImageNet's size, as torchvision exports them: import, plan, calibration, integers and the file, with
// random weights. What counts is that topology, names and sizes come through, not accuracy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "common/images.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "quantizer/app/quantize.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/fake_quantization.h"
#include "tests/quantizer/imagenet_models.h"

namespace shiftsim::quantizer {
namespace {

struct Case {
  const char* name;
  OnnxBuilder (*build)(int size, unsigned seed);
  int convolutions, additions, relu6;  ///< convolutions without the classifier; nodes that end in ReLU6
  std::size_t parameters;              ///< as PyTorch counts them
  double gmacs;                        ///< at 224x224, as published
  const char* layer;                   ///< the last convolution but the classifier
};

void PrintTo(const Case& network, std::ostream* out) {
  *out << network.name;
}

constexpr Case kNetworks[] = {
    {"ResNet18", resnet18_model, 20, 8, 0, 11'689'512, 1.81, "layer4.1.conv2"},
    {"ResNet50", resnet50_model, 53, 16, 0, 25'557'032, 4.09, "layer4.2.conv3"},
    {"MobileNetV2", mobilenet_v2_model, 52, 10, 35, 3'504'872, 0.30, "features.18.0"},
    {"MNASNet1_0", mnasnet1_0_model, 52, 10, 0, 4'383'312, 0.31, "layers.14"},
    {"RegNetX600MF", regnet_x_600mf_model, 53, 16, 0, 6'196'040, 0.60, "trunk_output.block4.block4-6.f.c.0"},
};

class ImageNet : public TemporaryFolder, public testing::WithParamInterface<Case> {
protected:
  Graph import(int size) const {
    const auto file = folder_ / "model.onnx";
    Graph graph = import_onnx(GetParam().build(size, 7).save(file));
    std::filesystem::remove(file);
    return graph;
  }

  static Recipe recipe() {
    Recipe recipe;
    recipe.weight_bits = 2;
    recipe.activation_bits = 4;
    recipe.calibration_images = 4;
    recipe.input = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, 255};
    return recipe;
  }

  /// Squares of random colour with noise over them: of plain noise all images would look alike behind the pools.
  static ImageSet random_images(int size, std::size_t count) {
    constexpr int kSquare = 16;
    ImageSet images;
    images.count = count;
    images.height = images.width = static_cast<std::size_t>(size);
    images.channels = 3;
    std::mt19937 random(11);
    const int across = (size + kSquare - 1) / kSquare;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::mt19937::result_type> colours(static_cast<std::size_t>(across * across * 3));
      for (auto& colour : colours) colour = random() % 192;
      for (int y = 0; y < size; ++y)
        for (int x = 0; x < size; ++x)
          for (int c = 0; c < 3; ++c) {
            const auto square = static_cast<std::size_t>((y / kSquare * across + x / kSquare) * 3 + c);
            images.pixels.push_back(static_cast<std::uint8_t>(colours[square] + random() % 64));
          }
    }
    return images;
  }
};

TEST_P(ImageNet, IsImportedAndPlannedAt224) {
  const Case& expected = GetParam();
  const Graph graph = import(224);
  EXPECT_EQ(graph.input().shape, (Shape{3, 224, 224}));
  EXPECT_EQ(graph.output().shape, (Shape{1000, 1, 1}));
  int convolutions = 0, additions = 0, relu6 = 0;
  std::size_t parameters = 0;
  double macs = 0;
  std::set<std::string> names;
  for (const Node& node : graph.nodes) {
    names.insert(node.name);
    additions += node.kind == NodeKind::kAdd;
    relu6 += activation_of(node) == qnet::Activation::kRelu6;
    if (node.kind != NodeKind::kConv) continue;
    ++convolutions;
    EXPECT_FALSE(node.fixed_weights) << node.name;
    // A convolution's bias is BatchNorm's, which PyTorch counts there.
    EXPECT_EQ(node.batch_norm.has_value(), &node != &graph.output()) << node.name;
    parameters += node.weight.size() + (node.batch_norm ? 2 : 1) * node.bias.size();
    const std::size_t fan = node.weight.size() / node.bias.size();
    macs += static_cast<double>(node.shape.size()) * static_cast<double>(fan);
  }
  EXPECT_EQ(convolutions, expected.convolutions + 1);
  EXPECT_EQ(additions, expected.additions);
  EXPECT_EQ(relu6, expected.relu6);
  EXPECT_EQ(parameters, expected.parameters);
  EXPECT_NEAR(macs / 1e9, expected.gmacs, 0.006);
  EXPECT_TRUE(names.contains(expected.layer));

  const Plan plan = make_plan(graph, recipe(), "model");
  int residuals = 0;
  for (const PlannedLayer& layer : plan.layers) {
    residuals += layer.residual >= 0;
    EXPECT_GE(layer.node, 0) << layer.name << ": no addition needs a layer of its own";
  }
  EXPECT_EQ(residuals, expected.additions);
  EXPECT_EQ(plan.layers.size() + static_cast<std::size_t>(additions) + 1, graph.nodes.size());
}

/// The models are no use as tests if their activations fade or grow with the depth.
TEST_P(ImageNet, KeepsActivationsOfOrderOne) {
  const Graph graph = import(96);
  const ImageSet images = random_images(96, 2);
  const FloatEngine engine(graph, recipe().input, 2);
  std::vector<std::vector<float>> values{engine.normalized(images, {0, 1})};
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    std::vector<const float*> inputs;
    for (const int input : graph.nodes[i].inputs) inputs.push_back(values[static_cast<std::size_t>(input)].data());
    values.push_back(engine.run_node(static_cast<int>(i), inputs, images.count));
    double squares = 0;
    for (const float value : values.back()) squares += static_cast<double>(value) * static_cast<double>(value);
    const double size = std::sqrt(squares / static_cast<double>(values.back().size()));
    EXPECT_GT(size, 0.2) << graph.nodes[i].name;
    EXPECT_LT(size, 5) << graph.nodes[i].name;
  }
}

TEST_P(ImageNet, QuantizesToIntegersThatMeanTheSame) {
  constexpr int kSize = 64;
  const Graph graph = import(kSize);
  const ImageSet images = random_images(kSize, 4);
  const Recipe recipe = ImageNet::recipe();
  const Plan plan = make_plan(graph, recipe, "model");
  const auto chosen = choose_images(images.count, 4, 1);
  const qnet::Network network = to_integers(quantize(plan, recipe, images, chosen, {2, std::nullopt, ""}));
  qnet::validate(network, "model");
  for (const qnet::Layer& layer : network.layers) {
    if (layer.kind != qnet::LayerKind::kConv) continue;
    const bool end = layer.input == 0 || &layer == &network.layers.back();
    EXPECT_EQ(layer.weight_bits, end ? 8 : 2) << layer.name;
  }

  qnet::write(network, folder_ / "model.qnet");
  const qnet::Network back = qnet::read(folder_ / "model.qnet");
  ASSERT_EQ(back.layers.size(), network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    EXPECT_EQ(back.layers[i].name, network.layers[i].name);
    EXPECT_EQ(back.layers[i].weights, network.layers[i].weights) << back.layers[i].name;
    EXPECT_EQ(back.layers[i].bias, network.layers[i].bias) << back.layers[i].name;
    EXPECT_EQ(back.layers[i].shifts, network.layers[i].shifts) << back.layers[i].name;
  }

  // Every tensor of an image, from the file: golden's integers against the reals they stand for.
  const qnet::Golden golden(back);
  const auto maps = FakeQuantization(back).run(images.image(0));
  const auto trace = golden.trace(images.image(0));
  ASSERT_EQ(trace.size(), maps.size());
  for (std::size_t t = 0; t < maps.size(); ++t) {
    const qnet::Tensor& tensor = back.tensors[t];
    ASSERT_EQ(trace[t].size(), maps[t].size()) << tensor.name;
    for (std::size_t j = 0; j < maps[t].size(); ++j) {
      const int channel = static_cast<int>(j % static_cast<std::size_t>(tensor.channels));
      ASSERT_EQ(std::ldexp(trace[t][j], tensor.exponent(channel)), maps[t][j]) << tensor.name << " element " << j;
    }
  }
  const auto logits = golden.run(images.image(0), images.count, 2);
  const auto& traced = trace[static_cast<std::size_t>(back.layers.back().output)];
  const auto classes = static_cast<std::ptrdiff_t>(traced.size());
  EXPECT_TRUE(std::equal(traced.begin(), traced.end(), logits.begin()));
  EXPECT_FALSE(std::equal(traced.begin(), traced.end(), logits.begin() + classes)) << "all images look alike";
}

INSTANTIATE_TEST_SUITE_P(Networks, ImageNet, testing::ValuesIn(kNetworks),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace shiftsim::quantizer
