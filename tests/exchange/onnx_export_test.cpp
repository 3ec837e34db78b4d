// Exported networks give the golden reference's integers in ONNX Runtime, and what a format cannot hold is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "common/error.h"
#include "common/images.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "quantizer/exchange/onnx_export.h"
#include "tests/cli/command.h"
#include "tests/exchange/exports.h"
#include "tests/exchange/onnxruntime.h"
#include "tests/qnet/named_networks.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

const std::string kFashion = "/usr/share/datasets/fashion-mnist";

constexpr const char* kOptimizations[] = {"disabled", "all"};

/// What ONNX Runtime can run.
std::string runnable(const ExportedOnnx& exported, OnnxFormat format) {
  return format == OnnxFormat::kQonnx ? test::with_quant_function(exported.bytes) : exported.bytes;
}

class OnnxExport : public test::CommandTest {
protected:
  /// Every logit, in every format, with optimizations off and on.
  void expect_golden_logits(const qnet::Network& network, const std::vector<std::uint8_t>& images, std::size_t count) {
    const std::string& logits = network.output().name;
    std::vector<test::OnnxJob> jobs;
    std::vector<std::string> names;
    for (const Export& one : kExports) {
      const ExportedOnnx exported = export_onnx(network, one.format, one.opset);
      EXPECT_TRUE(exported.report.inexact.empty()) << export_text(exported.report);
      for (const char* optimization : kOptimizations) {
        jobs.push_back({runnable(exported, one.format), optimization, {logits}});
        names.push_back(fmt::format("{}, optimizations: {}", one.name, optimization));
      }
    }
    const std::vector<std::int32_t> golden = qnet::Golden(network).run(images.data(), count, 2);
    const std::vector<test::OnnxValues> found = test::run_onnx(folder_, network, images, jobs);
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      const std::vector<float>& values = found[j].at(logits);
      ASSERT_EQ(values.size(), golden.size()) << names[j];
      std::size_t different = 0;
      for (std::size_t i = 0; i < golden.size(); ++i)
        different += std::ldexp(values[i], -network.output().exponents[0]) != static_cast<float>(golden[i]) ? 1 : 0;
      EXPECT_EQ(different, 0u) << names[j] << ": logits that differ, of " << golden.size();
    }
  }
};

struct Trained {
  const char* model;
  const char* bits;
};

void PrintTo(const Trained& trained, std::ostream* out) {
  *out << trained.model << ", " << trained.bits;
}

class TrainedExport : public OnnxExport, public testing::WithParamInterface<Trained> {};

TEST_P(TrainedExport, GivesTheGoldenLogits) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  const std::string model = fmt::format("{}/models/{}.onnx", SHIFTSIM_SOURCE_DIR, GetParam().model);
  const test::Outcome quantized =
      run_program(SHIFTSIM_QUANTRUN,
                  {"--model", model, "--calibration", kFashion + "/train-images-idx3-ubyte.gz", "--recipe", "nearest",
                   "--bits", GetParam().bits, "--set", "calibration.images=64", "--output", "n.qnet"});
  ASSERT_EQ(quantized.status, 0) << quantized.err;
  const qnet::Network network = qnet::read(folder_ / "n.qnet");
  const ImageSet images = read_images(kFashion + "/t10k-images-idx3-ubyte.gz", {}, 1, 500);
  ASSERT_EQ(images.count, 500u);
  expect_golden_logits(network, images.pixels, images.count);
}

INSTANTIATE_TEST_SUITE_P(Models, TrainedExport,
                         testing::Values(Trained{"resnet_fmnist", "w4a4"}, Trained{"resnet_fmnist", "w2a4"},
                                         Trained{"mobilenet_fmnist", "w4a4"}, Trained{"mobilenet_fmnist", "w2a4"}));

TEST_F(OnnxExport, AnImagenetNetworkGivesTheGoldenLogits) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  const qnet::Network network = qnet::imagenet_network("resnet18");
  expect_golden_logits(network, qnet::random_images(network, 3, 1), 3);
}

/// Values of an ONNX tensor (N x C x H x W) in steps of the network's tensor, in the order of its codes.
std::vector<float> in_steps(const std::vector<float>& values, const qnet::Tensor& tensor, std::size_t image) {
  const std::size_t plane = tensor.size() / static_cast<std::size_t>(tensor.channels);
  std::vector<float> steps;
  for (std::size_t p = 0; p < plane; ++p)
    for (int c = 0; c < tensor.channels; ++c)
      steps.push_back(
          std::ldexp(values[image * tensor.size() + static_cast<std::size_t>(c) * plane + p], -tensor.exponent(c)));
  return steps;
}

/// Every tensor of random networks, ones of which ONNX Runtime needs a format that holds it.
TEST_F(OnnxExport, RandomNetworksGiveTheGoldenCodes) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  constexpr std::uint64_t kSeeds = 60;
  constexpr std::size_t kCount = 6;
  int exported = 0, views = 0, tables = 0, maps = 0;
  std::vector<qnet::Network> networks;
  std::vector<test::OnnxTask> tasks;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const qnet::Network& network = networks.emplace_back(qnet::random_network(seed, test::exportable(seed)));
    views += std::ranges::any_of(network.layers, [](const qnet::Layer& layer) { return layer.is_view(); });
    tables += qnet::has_tables(network);
    maps += !network.is_classifier();
    test::OnnxTask& task = tasks.emplace_back();
    task.image = network.input();
    task.images = qnet::random_images(network, kCount, seed);
    std::vector<std::string> names;
    for (const qnet::Tensor& tensor : network.tensors) names.push_back(tensor.name);
    for (const Export& one : kExports) {
      try {
        const ExportedOnnx file = export_onnx(network, one.format, one.opset);
        if (!file.report.inexact.empty()) continue;
        const std::string model = runnable(file, one.format);
        task.jobs.push_back({test::with_outputs(model, {names.begin(), names.end() - 1}), "disabled", names});
        task.jobs.push_back({model, "all", {names.back()}});
      } catch (const UserError& error) {
        EXPECT_NE(std::string(error.what()).find("int8"), std::string::npos) << error.what();
        EXPECT_EQ(one.format, OnnxFormat::kQdq);
      }
    }
    exported += static_cast<int>(task.jobs.size());
  }
  const auto found = test::run_onnx(folder_, tasks);
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    const qnet::Network& network = networks[n];
    const qnet::Golden golden(network);
    for (std::size_t image = 0; image < kCount; ++image) {
      const qnet::ImageTrace trace = golden.trace(tasks[n].images.data() + image * network.input().size());
      for (std::size_t j = 0; j < tasks[n].jobs.size(); ++j)
        for (std::size_t t = 0; t < network.tensors.size(); ++t) {
          const auto values = found[n][j].find(network.tensors[t].name);
          if (values == found[n][j].end()) continue;
          const std::vector<float> expected(trace[t].begin(), trace[t].end());
          ASSERT_EQ(in_steps(values->second, network.tensors[t], image), expected)
              << "seed " << n + 1 << ", job " << j << ", " << tasks[n].jobs[j].optimization << ", tensor "
              << network.tensors[t].name << ", image " << image;
        }
    }
  }
  EXPECT_GT(exported, 200) << "of 360 most can be exported";
  EXPECT_GT(views, 10);
  EXPECT_GT(tables, 10);
  EXPECT_GT(maps, 5);
}

TEST_F(OnnxExport, Opset21HoldsFourBits) {
  qnet::RandomNetworkOptions options = test::returning(1);
  options.weight_bits = {4};
  options.activation_bits = {4};
  options.offsets = false;
  const qnet::Network network = qnet::random_network(3, options);
  const auto types = [&](int opset) {
    onnx::ModelProto model;
    EXPECT_TRUE(model.ParseFromString(export_onnx(network, OnnxFormat::kQdq, opset).bytes));
    EXPECT_EQ(model.opset_import(0).version(), opset);
    std::set<int> found;
    for (const auto& tensor : model.graph().initializer())
      if (tensor.name().ends_with("/weight_codes")) found.insert(tensor.data_type());
    return found;
  };
  EXPECT_EQ(types(kInt8Opset), std::set<int>{onnx::TensorProto::INT8});
  EXPECT_EQ(types(kInt4Opset), std::set<int>{22});
}

TEST_F(OnnxExport, QonnxHasExactBitWidths) {
  const qnet::Network network = qnet::imagenet_network("mobilenet_v2", 2, 4);
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(export_onnx(network, OnnxFormat::kQonnx).bytes));
  std::map<std::string, float> widths;
  for (const auto& tensor : model.graph().initializer())
    if (tensor.name().ends_with("/bit_width")) std::memcpy(&widths[tensor.name()], tensor.raw_data().data(), 4);
  for (const qnet::Layer& layer : network.layers) {
    if (!qnet::row_of(layer.kind).has_weights) continue;
    int low = 0, high = 0;
    const int half = 1 << (layer.weight_bits - 1);
    for (const int c : layer.offsets) {
      low = std::min(low, c == 0 ? -half : -2 * half + c);
      high = std::max(high, c == 0 ? half - 1 : 2 * (half - 1) + c);
    }
    const float bits = widths.at(layer.name + "/weight/bit_width");
    const int reach = 1 << (static_cast<int>(bits) - 1);
    EXPECT_GE(low, -reach) << layer.name;
    EXPECT_LT(high, reach) << layer.name;
    EXPECT_TRUE(low < -reach / 2 || high >= reach / 2) << layer.name << ": a bit less would do";
  }
  for (const qnet::Tensor& tensor : network.tensors)
    if (tensor.bits <= 8) {
      EXPECT_EQ(widths.at(tensor.name + "/bit_width"), static_cast<float>(tensor.bits)) << tensor.name;
    }
}

/// 8-bit weights with an offset, of which one code is at the end of the range.
qnet::Network wide_network() {
  qnet::RandomNetworkOptions options = test::returning(1);
  options.weight_bits = {8};
  options.offsets = false;
  options.layers = 2;
  options.max_pool = false;
  options.sum_pool = false;
  options.acc_bits = 26;
  qnet::Network network = qnet::random_network(5, options);
  qnet::Layer& layer = network.layers.front();
  layer.weights.front() = 127;
  layer.offsets.front() = 3;
  for (auto& exponent : layer.weight_exponents) exponent = static_cast<std::int8_t>(exponent + 1);
  qnet::validate(network, "wide");
  return network;
}

TEST_F(OnnxExport, AnOffsetThatFitsNoInt8IsRefused) {
  const qnet::Network network = wide_network();
  for (const int opset : {kInt8Opset, kInt4Opset}) {
    try {
      export_onnx(network, OnnxFormat::kQdq, opset);
      FAIL() << "exported";
    } catch (const UserError& error) {
      const std::string message = error.what();
      for (const char* word : {"layer 'layer0'", "to 257", "-128 to 127", "--export-qonnx"})
        EXPECT_NE(message.find(word), std::string::npos) << message;
    }
  }
  EXPECT_FALSE(export_onnx(network, OnnxFormat::kQonnx).bytes.empty());
}

TEST_F(OnnxExport, ANetworkOfSumsBeyondSinglePrecisionSaysSo) {
  qnet::RandomNetworkOptions options = test::returning(1);
  options.acc_bits = 31;
  options.weight_bits = {8};
  options.activation_bits = {8};
  options.max_channels = 64;
  bool found = false;
  for (std::uint64_t seed = 1; seed <= 40 && !found; ++seed) {
    const ExportReport report = export_onnx(qnet::random_network(seed, options), OnnxFormat::kQonnx).report;
    found = !report.inexact.empty();
    if (!found) continue;
    const std::string text = export_text(report);
    EXPECT_NE(text.find("layer '" + report.inexact[0].layer + "'"), std::string::npos) << text;
    EXPECT_GT(report.inexact[0].channels, 0);
  }
  EXPECT_TRUE(found);
}

TEST_F(OnnxExport, TheCommandLineExportsANetworkThatIsThere) {
  qnet::write(qnet::random_network(2, test::returning(1)), folder_ / "n.qnet");
  const test::Outcome both = run_program(
      SHIFTSIM_QUANTRUN, {"--network", "n.qnet", "--export-onnx", "n.onnx", "--export-qonnx", "n.qonnx.onnx"});
  ASSERT_EQ(both.status, 0) << both.err;
  for (const char* word : {"ties: ", "wrote n.onnx", "wrote n.qonnx.onnx"})
    EXPECT_NE(both.out.find(word), std::string::npos) << both.out;
  EXPECT_EQ(test::read_text(folder_ / "n.onnx"),
            export_onnx(qnet::random_network(2, test::returning(1)), OnnxFormat::kQdq).bytes);
  EXPECT_EQ(test::read_text(folder_ / "n.qonnx.onnx"),
            export_onnx(qnet::random_network(2, test::returning(1)), OnnxFormat::kQonnx).bytes);
}

TEST_F(OnnxExport, TheCommandLineRefusesWhatItCannotDo) {
  qnet::write(wide_network(), folder_ / "wide.qnet");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--network", "wide.qnet"}, "--export-onnx"},
      {{"--network", "wide.qnet", "--export-onnx", "x.onnx", "--export-qonnx", "y.onnx"}, "layer 'layer0'"},
      {{"--network", "none.qnet", "--export-onnx", "x.onnx"}, "none.qnet"},
      {{"--network", "wide.qnet", "--export-qonnx", "y.onnx", "--export-opset", "21"}, "--export-onnx"},
      {{"--network", "wide.qnet", "--export-onnx", "x.onnx", "--export-opset", "17"}, "17"},
      {{"--network", "wide.qnet", "--export-onnx", "x.onnx", "--model", "m.onnx"}, "--model"}};
  for (const auto& [arguments, word] : cases) {
    const test::Outcome outcome = run_program(SHIFTSIM_QUANTRUN, arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_NE(outcome.err.find(word), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(folder_ / "x.onnx") || fs::exists(folder_ / "y.onnx")) << word;
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
