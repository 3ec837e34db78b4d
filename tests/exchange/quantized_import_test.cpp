// Files that are quantized become networks of the same integers: this project's own, and such as other tools write.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "common/error.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "quantizer/exchange/onnx_export.h"
#include "quantizer/exchange/quantized_import.h"
#include "tests/cli/command.h"
#include "tests/exchange/exports.h"
#include "tests/exchange/int8_builder.h"
#include "tests/exchange/onnxruntime.h"
#include "tests/qnet/named_networks.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

/// Everything but where it came from, tensors by their names.
void expect_same(const qnet::Network& found, const qnet::Network& expected, const std::string& what) {
  EXPECT_EQ(found.input_spec.mean, expected.input_spec.mean) << what;
  EXPECT_EQ(found.input_spec.std_dev, expected.input_spec.std_dev) << what;
  ASSERT_EQ(found.tensors.size(), expected.tensors.size()) << what;
  ASSERT_EQ(found.layers.size(), expected.layers.size()) << what;
  const auto tensor = [](const qnet::Network& network, int index) {
    if (index < 0) return std::string("none");
    const qnet::Tensor& t = network.tensors[static_cast<std::size_t>(index)];
    return fmt::format("{} {}x{}x{} {} {} ", t.name, t.height, t.width, t.channels, t.bits, t.is_signed) +
           testing::PrintToString(t.exponents);
  };
  for (std::size_t i = 0; i < expected.layers.size(); ++i) {
    const qnet::Layer &f = found.layers[i], &e = expected.layers[i];
    const std::string where = what + ", layer " + e.name;
    EXPECT_EQ(f.name, e.name) << where;
    EXPECT_EQ(f.kind, e.kind) << where;
    EXPECT_EQ(tensor(found, f.input), tensor(expected, e.input)) << where;
    EXPECT_EQ(tensor(found, f.residual), tensor(expected, e.residual)) << where;
    EXPECT_EQ(tensor(found, f.output), tensor(expected, e.output)) << where;
    const auto geometry = [](const qnet::Layer& l) {
      return std::vector<int>{l.kernel_h, l.kernel_w,  l.stride_h,   l.stride_w, l.dilation_h, l.dilation_w, l.pad_top,
                              l.pad_left, l.pad_right, l.pad_bottom, l.groups,   l.lo,         l.weight_bits};
    };
    EXPECT_EQ(geometry(f), geometry(e)) << where;
    EXPECT_EQ(f.activation, e.activation) << where;
    EXPECT_EQ(f.weights, e.weights) << where;
    EXPECT_EQ(f.weight_exponents, e.weight_exponents) << where;
    EXPECT_EQ(f.offsets, e.offsets) << where;
    EXPECT_EQ(f.bias, e.bias) << where;
    EXPECT_EQ(f.shifts, e.shifts) << where;
    EXPECT_EQ(f.residual_shifts, e.residual_shifts) << where;
    EXPECT_EQ(f.hi, e.hi) << where;
    EXPECT_EQ(f.pad_values, e.pad_values) << where;
    EXPECT_EQ(f.table, e.table) << where;
    EXPECT_EQ(f.table_exponent, e.table_exponent) << where;
  }
}

class QuantizedImportTest : public test::CommandTest {
protected:
  QuantizedImport read_file(const std::string& bytes, bool nearest = false) const {
    return import_quantized(write("m.onnx", bytes), {}, nearest);
  }

  void expect_round_trip(const qnet::Network& network, const std::string& what) {
    for (const Export& one : kExports) {
      ExportedOnnx file;
      try {
        file = export_onnx(network, one.format, one.opset);
      } catch (const UserError&) {
        ++refused_;
        continue;
      }
      if (!file.report.inexact.empty()) continue;  // single precision need not hold the biases
      ++exported_;
      const QuantizedImport back = read_file(file.bytes);
      expect_same(back.network, network, what + ", " + one.name);
      EXPECT_EQ(back.counts.ties, 0) << what << ": an export leaves no ties";
      EXPECT_TRUE(back.replacements.empty());
    }
  }

  int exported_ = 0, refused_ = 0;
};

TEST_F(QuantizedImportTest, RandomNetworksComeBack) {
  int tables = 0;
  for (std::uint64_t seed = 1; seed <= 150 && !HasFailure(); ++seed) {
    const qnet::Network network = qnet::random_network(seed, test::returning(seed));
    tables += qnet::has_tables(network);
    expect_round_trip(network, fmt::format("seed {}", seed));
  }
  EXPECT_GT(tables, 40);
  EXPECT_GT(exported_, 300);
  EXPECT_GT(refused_, 0) << "some have offsets that fit no int8";
}

/// A view comes back as the views of which ONNX makes it: other layers, the same output.
TEST_F(QuantizedImportTest, NetworksWithViewsComeBackWithTheSameOutput) {
  int views = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const qnet::Network network = qnet::random_network(seed, test::exportable(1));
    views += std::ranges::any_of(network.layers, [](const qnet::Layer& layer) { return layer.is_view(); });
    const std::vector<std::uint8_t> images = qnet::random_images(network, 2, seed);
    const std::vector<std::int32_t> expected = qnet::Golden(network).run(images.data(), 2, 1);
    for (const OnnxFormat format : {OnnxFormat::kQdq, OnnxFormat::kQonnx}) {
      const QuantizedImport back = read_file(export_onnx(network, format).bytes);
      EXPECT_EQ(back.counts.ties, 0) << "seed " << seed;
      ASSERT_EQ(qnet::Golden(back.network).run(images.data(), 2, 1), expected) << "seed " << seed;
    }
  }
  EXPECT_GT(views, 20);
}

TEST_F(QuantizedImportTest, ImagenetNetworksComeBack) {
  expect_round_trip(qnet::imagenet_network("mobilenet_v2"), "mobilenet_v2");
  EXPECT_EQ(exported_, 3);
}

/// Without the metadata there are other weight bits and offsets, but the same integers of every tensor.
TEST_F(QuantizedImportTest, WithoutMetadataTensorsAreTheSame) {
  for (std::uint64_t seed = 1; seed <= 100 && !HasFailure(); ++seed) {
    const qnet::Network network = qnet::random_network(seed, test::returning(1));
    onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(export_onnx(network, OnnxFormat::kQonnx).bytes));
    model.clear_metadata_props();
    const QuantizedImport back = read_file(model.SerializeAsString());
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, seed);
    const qnet::ImageTrace expected = qnet::Golden(network).trace(image.data());
    const qnet::ImageTrace found = qnet::Golden(back.network).trace(image.data());
    // A residual that was rounded to more than the new accumulator's step stays a tensor of its own.
    ASSERT_GE(found.size(), expected.size()) << "seed " << seed;
    for (std::size_t t = 0; t + 1 < expected.size(); ++t) {
      const std::string& name = network.tensors[t].name;
      const auto same = std::find_if(back.network.tensors.begin(), back.network.tensors.end(),
                                     [&](const qnet::Tensor& tensor) { return tensor.name == name; });
      ASSERT_NE(same, back.network.tensors.end()) << "seed " << seed << ", " << name;
      ASSERT_EQ(found[static_cast<std::size_t>(same - back.network.tensors.begin())], expected[t])
          << "seed " << seed << ", " << name;
    }
    // The logits' exponent may differ, their values may not.
    for (std::size_t k = 0; k < expected.back().size(); ++k)
      ASSERT_EQ(std::ldexp(found.back()[k], back.network.output().exponents[0]),
                std::ldexp(expected.back()[k], network.output().exponents[0]))
          << "seed " << seed;
  }
}

/// A residual network of int8 codes: int8 everywhere, the input too, ReLU in front of the quantization, a mean with the
/// factor 21/1024 (7 x 7 of 49), the output quantized.
OnnxBuilder int8_model(unsigned seed) {
  Int8Builder b(seed);
  OnnxBuilder& model = b.model;
  model.input("x", {0, 3, 7, 7});
  b.quantize("x", "x_q", -6);
  b.conv("x_q", "a", 3, 8, 3, -8);
  model.node("Relu", {"a"}, "a_r");
  b.quantize("a_r", "a_q", -4);
  b.conv("a_q", "b", 8, 8, 3, -7);
  b.quantize("b", "b_q", -3);
  model.node("Add", {"b_q", "a_q"}, "sum");
  model.node("Relu", {"sum"}, "sum_r");
  b.quantize("sum_r", "sum_q", -4);
  model.node("GlobalAveragePool", {"sum_q"}, "pool");
  model.floats("factor", {}, {21.0f * 49.0f / 1024.0f});
  model.node("Mul", {"pool", "factor"}, "pool_m");
  model.floats("quarter", {}, {0x1p-16f});  // of a step of the sum, so that no tie is left
  model.node("Add", {"pool_m", "quarter"}, "pool_b");
  b.quantize("pool_b", "pool_q", -5);
  b.conv("pool_q", "c", 8, 5, 1, -7);
  model.node("Flatten", {"c"}, "flat");
  b.quantize("flat", "logits", -2);
  model.output("logits");
  return std::move(model);
}

TEST_F(QuantizedImportTest, AnInt8FileGivesOnnxRuntimesIntegers) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  constexpr std::size_t kCount = 40;
  std::vector<qnet::Network> networks;
  std::vector<test::OnnxTask> tasks;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const std::string bytes = int8_model(seed).bytes();
    const qnet::Network& network = networks.emplace_back(read_file(bytes).network);
    EXPECT_EQ(network.input_spec.mean[0] * network.input_spec.scale, 128);
    tasks.push_back(
        {network.input(), qnet::random_images(network, kCount, seed), {{bytes, "disabled", {"logits"}, 128, 0x1p-6f}}});
  }
  const auto found = test::run_onnx(folder_, tasks);
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    const std::vector<std::int32_t> golden = qnet::Golden(networks[n]).run(tasks[n].images.data(), kCount, 1);
    const std::vector<float>& logits = found[n][0].at("logits");
    ASSERT_EQ(logits.size(), golden.size());
    for (std::size_t i = 0; i < golden.size(); ++i)
      ASSERT_EQ(logits[i], std::ldexp(static_cast<float>(golden[i]), networks[n].output().exponents[0]))
          << "seed " << n + 1 << ", logit " << i;
    std::set<std::int32_t> different(golden.begin(), golden.end());
    EXPECT_GT(different.size(), 10u) << "the images must not all give the same";
  }
}

/// Layers as Brevitas exports them: Quant on weights and activations, a linear layer with a transposed weight.
OnnxBuilder qonnx_model(const std::string& weight_scale = "0.125", double activation_scale = 0.25) {
  OnnxBuilder b;
  b.input("x", {0, 1, 6, 6});
  b.floats("one", {}, {1});
  b.floats("zero", {}, {0});
  b.floats("eight", {}, {8});
  b.floats("four", {}, {4});
  b.floats("w_scale", {}, {std::stof(weight_scale)});
  b.floats("a_scale", {}, {static_cast<float>(activation_scale)});
  const auto quant = [&](const Ints& signs, const std::vector<std::string>& inputs, const std::string& output) {
    auto& node = b.node("Quant", inputs, output,
                        {{"signed", signs[0]}, {"narrow", signs[1]}, {"rounding_mode", std::string("ROUND")}});
    node.set_domain("qonnx.custom_op.general");
  };
  quant({0, 0}, {"x", "one", "zero", "eight"}, "x_q");
  b.random("conv.weight", {4, 1, 3, 3}, 0.4f);
  quant({1, 1}, {"conv.weight", "w_scale", "zero", "four"}, "conv_w");
  b.node("Conv", {"x_q", "conv_w"}, "conv");
  b.node("Relu", {"conv"}, "conv_r");
  quant({0, 0}, {"conv_r", "a_scale", "zero", "four"}, "conv_q");
  b.node("Flatten", {"conv_q"}, "flat");
  b.random("fc.weight", {3, 64}, 0.4f);
  quant({1, 1}, {"fc.weight", "w_scale", "zero", "four"}, "fc_w");
  b.node("Transpose", {"fc_w"}, "fc_t", {{"perm", Ints{1, 0}}});
  b.node("MatMul", {"flat", "fc_t"}, "product");
  b.floats("fc.bias", {3}, {0.5f, -1.25f, 2});
  b.node("Add", {"product", "fc.bias"}, "logits");
  b.output("logits");
  b.model.add_opset_import()->set_domain("qonnx.custom_op.general");
  b.model.mutable_opset_import(1)->set_version(1);
  return b;
}

TEST_F(QuantizedImportTest, AQonnxFileGivesOnnxRuntimesIntegers) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  OnnxBuilder b = qonnx_model();
  b.floats("conv.bias", {4}, {0.03f, -0.4f, 1.7f, 0.01f});  // between steps: no ties
  for (auto& node : *b.model.mutable_graph()->mutable_node())
    if (node.op_type() == "Conv") node.add_input("conv.bias");
  const std::string bytes = b.bytes();
  const QuantizedImport imported = read_file(bytes);
  EXPECT_EQ(imported.counts.ties, 0);
  EXPECT_EQ(imported.network.layers[0].weight_bits, 4);
  constexpr std::size_t kCount = 100;
  std::vector<std::uint8_t> images = qnet::random_images(imported.network, kCount, 3);
  for (auto& pixel : images) pixel = static_cast<std::uint8_t>(pixel % 12);
  const auto found =
      test::run_onnx(folder_, imported.network, images, {{test::with_quant_function(bytes), "disabled", {"logits"}}});
  const std::vector<std::int32_t> golden = qnet::Golden(imported.network).run(images.data(), kCount, 1);
  for (std::size_t i = 0; i < golden.size(); ++i)
    ASSERT_EQ(found[0].at("logits")[i],
              std::ldexp(static_cast<float>(golden[i]), imported.network.output().exponents[0]));
}

TEST_F(QuantizedImportTest, TiesThatStayAreCounted) {
  const QuantizedImport imported = read_file(qonnx_model().bytes());
  EXPECT_EQ(imported.counts.ties, 4) << "the convolution has no bias";
  EXPECT_EQ(imported.counts.channels, 7);
  EXPECT_NE(import_text(imported).find("ties: possible in 4 of 7 output channels"), std::string::npos);
}

TEST_F(QuantizedImportTest, ScalesThatAreNoPowersOfTwo) {
  write("m.onnx", qonnx_model("0.1").bytes());
  const test::Outcome refused = run_program(SHIFTSIM_QUANTRUN, {"--import-quantized", "m.onnx", "--output", "n.qnet"});
  EXPECT_EQ(refused.status, 2);
  for (const char* word : {"m.onnx", "Quant_conv_w", "found the scale 0.1", "2^-3 = 0.125", "--nearest-scales"})
    EXPECT_NE(refused.err.find(word), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(folder_ / "n.qnet"));

  const test::Outcome taken = run_program(SHIFTSIM_QUANTRUN, {"--import-quantized", "m.onnx", "--output", "n.qnet",
                                                              "--nearest-scales", "--export-qonnx", "back.onnx"});
  ASSERT_EQ(taken.status, 0) << taken.err;
  for (const char* word : {"node 'Quant_conv_w': weights of 'Conv_conv': scale 0.1 -> 2^-3 (+25.0 %)", "cost: ", " dB",
                           "wrote n.qnet", "wrote back.onnx"})
    EXPECT_NE(taken.out.find(word), std::string::npos) << taken.out;
  EXPECT_EQ(qnet::read(folder_ / "n.qnet").layers[0].weight_exponents[0], -3);
}

TEST_F(QuantizedImportTest, ZeroPointsOfActivations) {
  OnnxBuilder model = int8_model(1);
  const auto set = [&](const std::string& name, int zero, int type) {
    for (auto& tensor : *model.model.mutable_graph()->mutable_initializer()) {
      if (tensor.name() != name) continue;
      tensor.Clear();
      Int8Builder::int8s(tensor, name, {}, {zero}, type);
    }
    return model.bytes();
  };
  const auto refusal = [&](const std::string& bytes) -> std::string {
    try {
      read_file(bytes);
    } catch (const UserError& error) {
      return error.what();
    }
    return "taken";
  };
  const std::string moved = set("b_q_zero", 3, onnx::TensorProto::INT8);
  const std::string message = refusal(moved);
  for (const char* word : {"QuantizeLinear_b_q_codes", "zero point 3", "signed codes with zero point 0"})
    EXPECT_NE(message.find(word), std::string::npos) << message;
  const QuantizedImport taken = read_file(moved, true);
  ASSERT_EQ(taken.replacements.size(), 1u);
  EXPECT_EQ(taken.replacements[0].cost, "the range moves by 3 steps");
  // Unsigned codes around 128 are int8 in another writing.
  const std::string same = set("b_q_zero", 128, onnx::TensorProto::UINT8);
  const QuantizedImport unsigned_codes = read_file(same, true);
  EXPECT_EQ(unsigned_codes.replacements[0].cost, "nothing: the same values");
  expect_same(unsigned_codes.network, read_file(int8_model(1).bytes()).network, "zero point 128");
}

TEST_F(QuantizedImportTest, BadFilesAreRefusedByName) {
  const auto message_of = [&](OnnxBuilder& b) -> std::string {
    try {
      read_file(b.bytes());
    } catch (const UserError& error) {
      return error.what();
    }
    return "taken";
  };
  const auto expect_words = [&](OnnxBuilder b, std::initializer_list<const char*> words) {
    const std::string message = message_of(b);
    for (const char* word : words) EXPECT_NE(message.find(word), std::string::npos) << word << ": " << message;
  };
  expect_words(qonnx_model("0"), {"Quant_conv_w", "found the scale 0"});
  expect_words(qonnx_model("-0.5"), {"found the scale -0.5"});
  expect_words(qonnx_model("0.25", 0.3), {"Quant_conv_q", "0.3", "2^-2 = 0.25"});

  const auto changed = [](const auto& change) {
    OnnxBuilder b = qonnx_model();
    for (auto& node : *b.model.mutable_graph()->mutable_node()) change(node);
    return b;
  };
  expect_words(changed([](onnx::NodeProto& node) {
                 if (node.op_type() == "Conv") node.set_input(1, "conv.weight");
               }),
               {"Conv_conv", "'conv.weight' are not quantized"});
  expect_words(changed([](onnx::NodeProto& node) {
                 if (node.op_type() == "Flatten") node.set_input(0, "conv_r");
               }),
               {"MatMul_product", "is not quantized before"});
  expect_words(changed([](onnx::NodeProto& node) {
                 if (node.output(0) == "conv") node.set_input(0, "x");
               }),
               {"Conv_conv", "reads the input, which is not quantized"});
  expect_words(changed([](onnx::NodeProto& node) {
                 if (node.output(0) == "conv_q") node.mutable_attribute(2)->set_s("FLOOR");
               }),
               {"Quant_conv_q", "rounding mode FLOOR"});
  expect_words(changed([](onnx::NodeProto& node) {
                 if (node.op_type() == "Relu") node.set_op_type("Tanh");
               }),
               {"Relu_conv_r"});
}

TEST_F(QuantizedImportTest, TheCommandLineRefusesWhatItCannotDo) {
  write("m.onnx", qonnx_model().bytes());
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--import-quantized", "m.onnx"}, "--output"},
      {{"--import-quantized", "none.onnx", "--output", "n.qnet"}, "none.onnx"},
      {{"--import-quantized", "m.onnx", "--output", "n.qnet", "--model", "m.onnx"}, "--model"},
      {{"--model", "m.onnx", "--calibration", "i.npy", "--nearest-scales"}, "--import-quantized"}};
  for (const auto& [arguments, word] : cases) {
    const test::Outcome outcome = run_program(SHIFTSIM_QUANTRUN, arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_NE(outcome.err.find(word), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(folder_ / "n.qnet"));
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
