// Files as other exporters write them (onnx_cases/ of the shared data): what is imported computes what its labels say.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "quantizer/app/network_images.h"
#include "quantizer/evaluate/accuracy.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImages = 256;

/// Skips the test where there is no such data.
#define CASES_OR_SKIP()                                            \
  const char* data = std::getenv("SHIFTSIM_DATA");                 \
  if (data == nullptr) GTEST_SKIP() << "SHIFTSIM_DATA is not set"; \
  const fs::path folder = fs::path(data) / "onnx_cases";           \
  const fs::path colour = fs::path(data) / "cifar10/test1000_images.npy"

class ImportedCase : public testing::TestWithParam<std::string> {};

TEST_P(ImportedCase, FloatNetworkGivesTheLabels) {
  CASES_OR_SKIP();
  const std::string name = GetParam();
  const bool flat = name.starts_with("mlp_");
  const fs::path file = flat ? folder / "grey_images.npy" : colour;
  const Graph graph = import_onnx(folder / (name + ".onnx"), [](int) { return ImageSize{32, 32}; });
  const ImageSet labels = read_images(folder / "grey_images.npy", folder / (name + ".labels.npy"), 1, kImages);
  ImageSet images = load_images({file, {}}, graph.input().shape);
  images.count = kImages;
  images.pixels.resize(kImages * images.image_size());
  qnet::InputSpec spec;
  spec.mean = flat ? std::vector<double>{0.5} : std::vector<double>{0.485, 0.456, 0.406};
  spec.std_dev = flat ? std::vector<double>{0.25} : std::vector<double>{0.229, 0.224, 0.225};
  const std::vector<float> logits = FloatEngine(graph, spec, 1).run(images, 0, images.count, {});
  EXPECT_EQ(argmax_float(logits, static_cast<std::size_t>(graph.output().shape.channels)), labels.labels);
}

INSTANTIATE_TEST_SUITE_P(OnnxCases, ImportedCase,
                         testing::Values("avgpool_pad", "binary_sigmoid", "bn_after_relu", "concat", "dead_channels",
                                         "dyn_hw", "gelu", "hardswish", "leaky", "mlp_column_input", "mlp_flat_input",
                                         "opset21_ir10", "opset25_ir12", "opset7", "plain", "preact_resnet", "prelu",
                                         "reducemean18", "relu_lenet", "selu", "shape_gather_reshape", "shuffle",
                                         "sigmoid_head", "tanh", "upsample"),
                         [](const auto& named) { return named.param; });

TEST(OnnxCases, AConstantOfAnySizeIsImported) {
  CASES_OR_SKIP();
  EXPECT_NO_THROW(import_onnx(folder / "constant_of_shape.onnx")) << colour;
}

/// Its outputs are lists of several maps. Each map by itself is a network.
TEST(OnnxCases, ADetectorEndsInFrontOfItsHeads) {
  CASES_OR_SKIP();
  const fs::path file = folder / "detector_heads.onnx";
  try {
    import_onnx(file, {}, "scores");
    FAIL() << colour;
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("--output-tensor '/Transpose_output_0'"), std::string::npos)
        << error.what();
  }
  EXPECT_FALSE(import_onnx(file, {}, "/Transpose_output_0").is_classifier());
  EXPECT_FALSE(import_onnx(file, {}, "/s.0/Conv_output_0").is_classifier());
}

/// What is not represented yet, and the operator that the message names.
struct Refused {
  std::string name, word;
};
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}

class RefusedCase : public testing::TestWithParam<Refused> {};

TEST_P(RefusedCase, NamesTheOperator) {
  CASES_OR_SKIP();
  const auto& [name, word] = GetParam();
  try {
    import_onnx(folder / (name + ".onnx"));
    FAIL() << name << " is imported: move it to ImportedCase, " << colour;
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(OnnxCases, RefusedCase, testing::Values(Refused{"qdq", "--import-quantized"}),
                         [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace shiftsim::quantizer
