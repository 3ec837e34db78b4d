// ONNX import and simplification: structure, meaning (against double loops), and every kind of bad model.
#include "quantizer/import/onnx_import.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/error.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_file.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/models.h"
#include "tests/quantizer/naive_float.h"

namespace shiftsim::quantizer {
namespace {

constexpr std::int64_t kOne = 1;

class Import : public TemporaryFolder {
protected:
  Graph import(const OnnxBuilder& builder) const { return import_onnx(builder.save(folder_ / "m.onnx")); }

  void expect_rejected(const OnnxBuilder& builder, std::initializer_list<std::string> words) const {
    const auto file = builder.save(folder_ / "bad.onnx");
    expect_user_error([&] { import_onnx(file); }, words);
    expect_user_error([&] { import_onnx(file); }, {"bad.onnx"});
  }

  /// The float engine on the simplified graph gives what double loops over the nodes as imported give.
  void expect_same_meaning(const OnnxBuilder& builder, unsigned seed) const {
    const auto file = builder.save(folder_ / "m.onnx");
    const Graph original = import_onnx_unsimplified(file), graph = import_onnx(file);
    const Shape& shape = graph.input().shape;
    ImageSet images;
    images.count = 5;
    images.height = static_cast<std::size_t>(shape.height);
    images.width = static_cast<std::size_t>(shape.width);
    images.channels = static_cast<std::size_t>(shape.channels);
    std::mt19937 random(seed);
    for (std::size_t i = 0; i < images.count * images.image_size(); ++i)
      images.pixels.push_back(static_cast<std::uint8_t>(random() % 256));
    const qnet::InputSpec spec{{0.4}, {0.3}, 255};
    const FloatEngine engine(graph, spec, 2);
    const auto logits = engine.run(images, 0, images.count);
    const std::size_t classes = original.output().shape.size();
    ASSERT_EQ(logits.size(), images.count * classes);
    for (std::size_t i = 0; i < images.count; ++i) {
      std::vector<double> pixels;
      for (std::size_t j = 0; j < images.image_size(); ++j) pixels.push_back((images.image(i)[j] / 255.0 - 0.4) / 0.3);
      const auto expected = naive_run(original, pixels).back();
      for (std::size_t k = 0; k < classes; ++k)
        EXPECT_NEAR(logits[i * classes + k], expected[k], 2e-4 * (1 + std::abs(expected[k])))
            << "image " << i << " class " << k << " seed " << seed;
    }
  }
};

/// What exporters write for shapes that they did not know: comparisons, choices, repeated and broadcast constants.
TEST_F(Import, FoldsArithmeticOnShapes) {
  OnnxBuilder b;
  b.input("x", {0, 3, 4, 5});
  b.ints("asked", {2}, {1, -1});
  b.ints("open", {}, {-1});
  b.ints("all", {2}, {0, 60});
  b.node("Equal", {"asked", "open"}, "is_open");
  b.node("Where", {"is_open", "all", "asked"}, "chosen");  // [1, 60]
  b.ints("batch", {2}, {-1, 0});
  b.node("Add", {"chosen", "batch"}, "shape");  // [0, 60]
  b.node("Reshape", {"x", "shape"}, "flat");
  b.floats("column", {2, 1}, {1, 10});
  b.floats("row", {1, 60}, std::vector<float>(60, 0.5f));
  b.node("Mul", {"column", "row"}, "weight");  // 2 x 60
  b.floats("half", {1}, {0.25f});
  b.ints("two", {1}, {2});
  b.node("Expand", {"half", "two"}, "bias");
  b.node("Gemm", {"flat", "weight", "bias"}, "y", {{"transB", std::int64_t{1}}});
  b.output("y");
  const Graph graph = import(b);
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.output().bias, (std::vector<float>{0.25f, 0.25f}));
  ASSERT_EQ(graph.output().weight.size(), 120u);
  EXPECT_EQ(graph.output().weight.front(), 0.5f);
  EXPECT_EQ(graph.output().weight.back(), 5.0f);
}

TEST_F(Import, KeepsTheMeaningOfEveryStructure) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    expect_same_meaning(residual_model(seed), seed);
    expect_same_meaning(residual_model(seed, 3, 11), seed);
    expect_same_meaning(mobile_model(seed), seed);
    expect_same_meaning(preactivation_model(seed), seed);
    expect_same_meaning(view_model(seed), seed);
    expect_same_meaning(view_model(seed, 1, 6), seed);
    expect_same_meaning(pixel_view_model(seed), seed);
    expect_same_meaning(function_model(seed), seed);
  }
}

TEST_F(Import, FoldsBatchNormAndKeepsItsStatistics) {
  OnnxBuilder b;
  b.input("x", {0, 1, 2, 2});
  b.floats("c.weight", {1, 1, 1, 1}, {3});
  b.floats("c.bias", {1}, {0.5f});
  b.node("Conv", {"x", "c.weight", "c.bias"}, "c");
  b.floats("gamma", {1}, {2});
  b.floats("beta", {1}, {1});
  b.floats("mean", {1}, {0.25f});
  b.floats("var", {1}, {4});
  b.node("BatchNormalization", {"c", "gamma", "beta", "mean", "var"}, "n", {{"epsilon", 0.0f}});
  b.node("GlobalAveragePool", {"n"}, "y");
  b.output("y");
  const Graph graph = import(b);
  ASSERT_EQ(graph.nodes.size(), 4u);  // image, conv, pool, the logits' copy
  const Node& conv = graph.nodes[1];
  EXPECT_EQ(conv.name, "c");
  EXPECT_FLOAT_EQ(conv.weight[0], 3.0f);            // 3 * 2 / sqrt(4)
  EXPECT_FLOAT_EQ(conv.bias[0], 0.5f + 1 - 0.25f);  // 2 / sqrt(4) = 1
  ASSERT_TRUE(conv.batch_norm.has_value());
  EXPECT_FLOAT_EQ(conv.batch_norm->gamma[0], 2);
  EXPECT_FLOAT_EQ(conv.batch_norm->variance[0], 4);
}

TEST_F(Import, MergesActivationsAndNamesLayersByModule) {
  const Graph graph = import(residual_model(1));
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  EXPECT_EQ(names, (std::vector<std::string>{"x", "stem", "a1", "a2", "Add_a_sum", "MaxPool_pooled", "b1", "b2",
                                             "b_short", "Add_b_sum", "GlobalAveragePool_gap", "fc"}));
  EXPECT_EQ(activation_of(graph.nodes[1]), qnet::Activation::kRelu);
  EXPECT_EQ(activation_of(graph.nodes[3]), qnet::Activation::kNone);
  EXPECT_EQ(activation_of(graph.nodes[4]), qnet::Activation::kRelu);
  EXPECT_TRUE(graph.nodes[7].batch_norm.has_value());
}

TEST_F(Import, ReadsNhwcExports) {
  // As tf2onnx writes it: NHWC input, a transpose, and the classifier over the map flattened as H, W, C.
  OnnxBuilder b;
  b.generator.seed(3);
  b.input("x", {0, 6, 5, 3});
  b.node("Transpose", {"x"}, "t", {{"perm", Ints{0, 3, 1, 2}}});
  b.conv("t", "c", 3, 4, 3);
  b.node("Relu", {"c"}, "r");
  b.node("Transpose", {"r"}, "back", {{"perm", Ints{0, 2, 3, 1}}});
  b.ints("shape", {2}, {-1, 48});
  b.node("Reshape", {"back", "shape"}, "flat");
  const auto weight = b.random("fc.weight", {48, 2}, 0.2f);
  b.node("MatMul", {"flat", "fc.weight"}, "logits");
  b.output("logits");
  const Graph graph = import(b);
  EXPECT_EQ(graph.input().shape, (Shape{3, 6, 5}));
  const Node& fc = graph.output();
  EXPECT_EQ(fc.window.kernel_h, 4);
  EXPECT_EQ(fc.window.kernel_w, 3);
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 3; ++x)
      for (std::size_t c = 0; c < 4; ++c)
        for (std::size_t o = 0; o < 2; ++o)
          EXPECT_EQ(fc.weight[o * 48 + c * 12 + y * 3 + x], weight[((y * 3 + x) * 4 + c) * 2 + o]);
}

TEST_F(Import, ReadsTheShapeArithmeticOfFlatten) {
  OnnxBuilder b;
  b.input("x", {0, 1, 4, 4});
  b.conv("x", "c", 1, 3, 3);
  b.node("ReduceMean", {"c"}, "m", {{"axes", Ints{2, 3}}, {"keepdims", kOne}});
  b.node("Shape", {"m"}, "s");
  b.ints("zero", {}, {0});
  b.ints("minus", {1}, {-1});
  b.ints("axis", {1}, {0});
  b.node("Gather", {"s", "zero"}, "n");
  b.node("Unsqueeze", {"n", "axis"}, "n1");
  b.node("Concat", {"n1", "minus"}, "target", {{"axis", std::int64_t{0}}});
  b.node("Reshape", {"m", "target"}, "flat");
  b.random("w", {2, 3});
  b.node("Gemm", {"flat", "w"}, "y", {{"transB", kOne}, {"alpha", 2.0f}});
  b.node("Softmax", {"y"}, "p");
  b.output("p");
  const Graph graph = import(b);
  EXPECT_EQ(graph.nodes[2].kind, NodeKind::kGlobalPool);
  EXPECT_EQ(graph.output().shape, (Shape{2, 1, 1}));
  expect_same_meaning(b, 5);
}

TEST_F(Import, FoldsNormalizationInsideTheModelAndPads) {
  OnnxBuilder b(11);
  b.input("x", {0, 3, 6, 6});
  b.floats("mean", {1, 3, 1, 1}, {0.1f, -0.2f, 0.3f});
  b.floats("std", {3, 1, 1}, {2, 4, 0.5f});
  b.node("Sub", {"x", "mean"}, "s");
  b.node("Div", {"s", "std"}, "d");
  b.ints("pads", {8}, {0, 0, 1, 0, 0, 0, 2, 1});
  b.node("Pad", {"d", "pads"}, "p");
  b.conv("p", "c", 3, 4, 3, 1, {{"strides", Ints{2, 2}}});
  b.node("Relu", {"c"}, "r");
  b.node("Clip", {"r"}, "r6", {{"min", 0.0f}, {"max", 6.0f}});  // read as an input-less Clip; attributes of opset 6
  b.node("GlobalAveragePool", {"r6"}, "g");
  b.conv("g", "fc", 4, 2, 1, 1, {}, false);
  b.output("fc");
  const Graph graph = import(b);
  EXPECT_FLOAT_EQ(graph.input_scale[1], 0.25f);
  EXPECT_FLOAT_EQ(graph.input_shift[2], -0.6f);
  EXPECT_EQ(graph.nodes[1].window.pad_top, 1);
  EXPECT_EQ(graph.nodes[1].window.pad_bottom, 2);
  EXPECT_EQ(graph.nodes[1].window.pad_right, 1);
  EXPECT_EQ(activation_of(graph.nodes[1]), qnet::Activation::kRelu6);
  expect_same_meaning(b, 6);
}

TEST_F(Import, ReadsOtherElementTypesAndExternalData) {
  EXPECT_EQ(half_to_float(0x3c00), 1.0f);
  EXPECT_EQ(half_to_float(0xc000), -2.0f);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24f);
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));

  OnnxBuilder b;
  b.input("x", {0, 1, 1, 1});
  auto& weight = b.floats("w", {2, 1, 1, 1}, {});
  weight.clear_raw_data();
  weight.set_data_type(onnx::TensorProto::FLOAT16);
  weight.add_int32_data(0x3c00);
  weight.add_int32_data(0x4200);
  auto& bias = b.floats("b", {2}, {});
  bias.clear_raw_data();
  bias.set_data_type(onnx::TensorProto::DOUBLE);
  bias.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto entry = [&](const char* key, const char* value) {
    auto* pair = bias.add_external_data();
    pair->set_key(key);
    pair->set_value(value);
  };
  entry("location", "weights.bin");
  entry("offset", "8");
  entry("length", "16");
  const double data[] = {0, 0.5, -4};
  put("weights.bin", std::string(reinterpret_cast<const char*>(data), sizeof data));
  b.node("Conv", {"x", "w", "b"}, "y");
  b.output("y");
  const Graph graph = import(b);
  EXPECT_EQ(graph.nodes[1].weight, (std::vector<float>{1, 3}));
  EXPECT_EQ(graph.nodes[1].bias, (std::vector<float>{0.5f, -4}));

  put("weights.bin", "short");
  expect_user_error([&] { import(b); }, {"weights.bin", "5 bytes"});
  bias.mutable_external_data(0)->set_value("../weights.bin");
  expect_rejected(b, {"'b'", "../weights.bin", "beside the model"});
}

/// One file holds all tensors of a large model: only a tensor's own part of it is read. This one is longer than memory.
TEST_F(Import, ReadsOnlyATensorsOwnPartOfExternalData) {
  OnnxBuilder b;
  b.input("x", {0, 1, 1, 1});
  auto& weight = b.floats("w", {2, 1, 1, 1}, {});
  weight.clear_raw_data();
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  const std::vector<std::pair<std::string, std::string>> entries = {
      {"location", "weights.bin"}, {"offset", "1099511627776"}, {"length", "8"}};
  for (const auto& [key, value] : entries) {
    auto* pair = weight.add_external_data();
    pair->set_key(key);
    pair->set_value(value);
  }
  b.node("Conv", {"x", "w"}, "y");
  b.output("y");
  const std::filesystem::path file = put("weights.bin", "");
  constexpr std::uintmax_t kTebibyte = std::uintmax_t{1} << 40;
  std::filesystem::resize_file(file, kTebibyte);  // a hole, which takes no space
  const float values[] = {1.5f, -2};
  std::ofstream(file, std::ios::binary | std::ios::app).write(reinterpret_cast<const char*>(values), sizeof values);
  EXPECT_EQ(import(b).nodes[1].weight, (std::vector<float>{1.5f, -2}));
}

TEST_F(Import, CastsOfActivationsMustKeepTheirValues) {
  const auto model = [](std::int64_t type) {
    OnnxBuilder b;
    b.input("x", {0, 1, 4, 4});
    b.node("Cast", {"x"}, "c", {{"to", type}});
    b.conv("c", "y", 1, 3, 4);
    b.output("y");
    return b;
  };
  for (const auto type : {onnx::TensorProto::FLOAT, onnx::TensorProto::DOUBLE}) expect_same_meaning(model(type), 1);
  expect_rejected(model(onnx::TensorProto::INT32), {"Cast_c", "casts activations to INT32", "expected a float type"});
  expect_rejected(model(onnx::TensorProto::BOOL), {"Cast_c", "BOOL"});
  expect_rejected(model(999), {"Cast_c", "999"});
}

TEST_F(Import, NamesMustBeUtf8) {
  OnnxBuilder b;
  b.input("x", {0, 1, 4, 4});
  b.conv("x", "y", 1, 3, 4);
  b.output("y");
  b.model.mutable_graph()->mutable_node(0)->set_name("conv\xff");
  expect_rejected(b, {"conv?", "UTF-8"});
}

TEST_F(Import, NamesWhatItCannotRead) {
  expect_user_error([&] { import_onnx(folder_ / "none.onnx"); }, {"none.onnx", "no such file"});
  expect_user_error([&] { import_onnx(folder_); }, {"is a folder"});
  expect_user_error([&] { import_onnx(put("text.onnx", "this is not a model\n")); },
                    {"text.onnx", "not an ONNX model"});
  expect_user_error([&] { import_onnx(put("empty.onnx", "")); }, {"empty.onnx", "not an ONNX model"});
  const std::string whole = residual_model(1).bytes();
  for (const std::size_t size : {std::size_t{10}, whole.size() / 3, whole.size() / 2, whole.size() - 1})
    expect_user_error([&] { import_onnx(put("cut.onnx", whole.substr(0, size))); }, {"cut.onnx", "truncated"});

  OnnxBuilder old(6);
  old.input("x", {0, 1, 4, 4});
  old.node("Relu", {"x"}, "y");
  old.output("y");
  expect_rejected(old, {"opset 6", "7 to 25"});
}

/// The forms that newer opsets give the same operators; all make the same graph.
TEST_F(Import, OpsetsWriteTheSameNetwork) {
  const auto model = [](int opset) {
    OnnxBuilder b(opset);
    b.input("x", {0, 3, 6, 6});
    const bool pads_by_axes = opset >= 18, clip_by_inputs = opset >= 11, axes_by_input = opset >= 18;
    if (pads_by_axes) {
      b.ints("pads", {4}, {1, 2, 0, 1});
      b.ints("pad_axes", {2}, {2, -1});
      b.node("Pad", {"x", "pads", "", "pad_axes"}, "p");
    } else if (opset >= 11) {
      b.ints("pads", {8}, {0, 0, 1, 2, 0, 0, 0, 1});
      b.node("Pad", {"x", "pads"}, "p");
    } else {
      b.node("Pad", {"x"}, "p", {{"pads", Ints{0, 0, 1, 2, 0, 0, 0, 1}}});
    }
    b.conv("p", "c", 3, 4, 3);
    if (clip_by_inputs) {
      b.floats("low", {}, {0});
      b.floats("high", {}, {6});
      b.node("Clip", {"c", "low", "high"}, "r");
    } else {
      b.node("Clip", {"c"}, "r", {{"min", 0.0f}, {"max", 6.0f}});
    }
    b.node("Identity", {"r"}, "i");
    b.node("Cast", {"i"}, "half", {{"to", std::int64_t{onnx::TensorProto::FLOAT16}}});
    if (axes_by_input) {
      b.ints("axes", {2}, {2, 3});
      b.node("ReduceMean", {"half", "axes"}, "y", {{"keepdims", std::int64_t{0}}});
    } else {
      b.node("ReduceMean", {"half"}, "y", {{"axes", Ints{2, 3}}, {"keepdims", std::int64_t{0}}});
    }
    b.output("y");
    return b;
  };
  const Graph oldest = import(model(7));
  for (const int opset : {9, 13, 17, 18, 21, 25}) {
    SCOPED_TRACE("opset " + std::to_string(opset));
    const Graph graph = import(model(opset));
    ASSERT_EQ(graph.nodes.size(), oldest.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      EXPECT_EQ(graph.nodes[i].kind, oldest.nodes[i].kind);
      EXPECT_EQ(graph.nodes[i].shape, oldest.nodes[i].shape);
      EXPECT_EQ(graph.nodes[i].weight, oldest.nodes[i].weight);
      EXPECT_EQ(graph.nodes[i].bias, oldest.nodes[i].bias);
      EXPECT_EQ(graph.nodes[i].window.pad_left, oldest.nodes[i].window.pad_left);
    }
  }
}

TEST_F(Import, AFlatInputIsKChannels) {
  for (const Ints& dims : {Ints{0, 12}, Ints{0, 12, 1}}) {
    OnnxBuilder b;
    b.input("x", dims);
    std::string last = "x";
    if (dims.size() == 3) {
      b.node("Flatten", {"x"}, "f");
      last = "f";
    }
    b.random("w", {12, 5});
    b.node("MatMul", {last, "w"}, "y");
    b.output("y");
    const Graph graph = import(b);
    EXPECT_EQ(graph.input().shape, (Shape{12, 1, 1}));
    EXPECT_EQ(graph.output().shape, (Shape{5, 1, 1}));
  }
}

TEST_F(Import, OneLogitWithSigmoidIsOneOfTwoClasses) {
  OnnxBuilder b;
  b.input("x", {0, 4});
  b.floats("w", {4, 1}, {1, -2, 3, 0.5f});
  b.floats("b", {1}, {0.25f});
  b.node("Gemm", {"x", "w", "b"}, "logit");
  b.node("Sigmoid", {"logit"}, "y");
  b.output("y");
  const Graph graph = import(b);
  EXPECT_EQ(graph.output().shape, (Shape{2, 1, 1}));
  EXPECT_EQ(graph.output().weight, (std::vector<float>{0, 0, 0, 0, 1, -2, 3, 0.5f}));
  EXPECT_EQ(graph.output().bias, (std::vector<float>{0, 0.25f}));
  OnnxBuilder inside;
  inside.input("x", {0, 4});
  inside.node("Softmax", {"x"}, "s");
  inside.random("w", {4, 3});
  inside.node("MatMul", {"s", "w"}, "y");
  inside.output("y");
  expect_rejected(inside, {"Softmax_s", "only at the network's output"});
}

/// Two heads on one stem, as a detector has them; a second image that only the second head reads.
OnnxBuilder two_heads() {
  OnnxBuilder b;
  b.input("x", {0, 2, 4, 4});
  b.conv("x", "stem", 2, 4, 3, 1, {{"pads", Ints{1, 1, 1, 1}}});
  b.node("Relu", {"stem"}, "features");
  b.conv("features", "boxes", 4, 3, 1);
  b.input("z", {0, 4, 4, 4});
  b.node("Add", {"features", "z"}, "sum");
  b.node("HardSwish", {"sum"}, "scores");
  b.output("boxes");
  b.output("scores");
  return b;
}

TEST_F(Import, OfSeveralOutputsOneIsChosen) {
  const auto file = two_heads().save(folder_ / "heads.onnx");
  expect_user_error([&] { import_onnx(file); }, {"heads.onnx", "2 outputs", "boxes, scores", "--output-tensor"});
  expect_user_error([&] { import_onnx(file, {}, "boxs"); }, {"--output-tensor", "'boxs'", "boxes"});
  expect_user_error([&] { import_onnx(file, {}, "scores"); }, {"2 inputs"});
  // What the other head needs is not looked at.
  const Graph graph = import_onnx(file, {}, "boxes");
  EXPECT_EQ(graph.output().shape, (Shape{3, 4, 4}));
  EXPECT_FALSE(graph.is_classifier());
  EXPECT_EQ(import_onnx(file, {}, "features").output().shape, (Shape{4, 4, 4}));
}

TEST_F(Import, AMapKeepsItsMeaning) {
  OnnxBuilder b = two_heads();
  b.model.mutable_graph()->clear_output();
  b.node("Sigmoid", {"boxes"}, "masks");
  b.output("masks");
  const auto file = b.save(folder_ / "map.onnx");
  const Graph graph = import_onnx(file);
  EXPECT_FALSE(graph.single_logit) << "a map of logits is no class";
  EXPECT_EQ(graph.output().shape, (Shape{3, 4, 4}));
}

TEST_F(Import, AnOpenImageSizeIsAskedFor) {
  OnnxBuilder b;
  b.input("x", {0, 3, 0, 0});
  b.conv("x", "c", 3, 4, 3);
  b.node("GlobalAveragePool", {"c"}, "y");
  b.output("y");
  int asked = 0;
  const Graph graph = import_onnx(b.save(folder_ / "m.onnx"), [&](int channels) {
    ++asked;
    EXPECT_EQ(channels, 3);
    return ImageSize{7, 9};
  });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(graph.input().shape, (Shape{3, 7, 9}));
}

TEST_F(Import, RejectsWhatItCannotRepresent) {
  const auto model = [](const auto& build) {
    OnnxBuilder b;
    b.input("x", {0, 2, 4, 4});
    build(b);
    b.output("y");
    return b;
  };
  expect_rejected(model([](OnnxBuilder& b) { b.node("TopK", {"x"}, "y"); }), {"TopK", "TopK_y", "supported"});
  expect_rejected(model([](OnnxBuilder& b) { b.node("Relu", {"nothing"}, "y"); }), {"Relu_y", "'nothing'"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.node("Clip", {"x"}, "c", {{"min", 1.0f}, {"max", -1.0f}});
                    b.node("GlobalAveragePool", {"c"}, "y");
                  }),
                  {"Clip_c", "[1, -1]"});
  expect_rejected(model([](OnnxBuilder& b) { b.conv("x", "y", 3, 4, 3); }), {"the weight takes 3 channels", "has 2"});
  expect_rejected(model([](OnnxBuilder& b) { b.conv("x", "y", 2, 4, 5); }), {"5x5 does not fit", "4x4"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.conv("x", "y", 2, 4, 3, 1, {{"strides", Ints{0, 1}}});
                  }),
                  {"strides is 0"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.node("Transpose", {"x"}, "t", {{"perm", Ints{0, 2, 1, 3}}});
                    b.conv("t", "y", 4, 4, 1);
                  }),
                  {"not in N x C x H x W order"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("s", {2}, {-1, 5});
                    b.node("Reshape", {"x", "s"}, "y");
                  }),
                  {"not a change of layout"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.node("AveragePool", {"x"}, "a", {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{2, 2, 2, 2}}});
                    b.node("GlobalAveragePool", {"a"}, "y");
                  }),
                  {"AveragePool_a", "padding alone"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("from", {1}, {-1});
                    b.ints("to", {1}, {-100});
                    b.ints("axis", {1}, {2});
                    b.ints("step", {1}, {-1});
                    b.node("Slice", {"x", "from", "to", "axis", "step"}, "a");
                    b.conv("a", "y", 2, 2, 1);
                  }),
                  {"reverses rows"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("rows", {1}, {0});
                    b.node("Gather", {"x", "rows"}, "a", {{"axis", std::int64_t{2}}});
                    b.conv("a", "y", 2, 2, 1);
                  }),
                  {"rows or columns by their numbers"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.conv("x", "a", 2, 3, 1);
                    b.node("Concat", {"x", "a"}, "b", {{"axis", std::int64_t{2}}});
                    b.conv("b", "y", 2, 2, 1);
                  }),
                  {"of 2 channels and", "of 3"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("from", {1}, {0});
                    b.ints("to", {1}, {2});
                    b.ints("axis", {1}, {1});
                    b.node("Concat", {"x", "part"}, "all", {{"axis", std::int64_t{1}}});
                    b.node("Slice", {"all", "from", "to", "axis"}, "part");
                    b.conv("part", "y", 2, 2, 1);
                  }),
                  {"Concat_all", "'part'"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.node("GlobalAveragePool", {"x"}, "g");
                    b.node("Softmax", {"g"}, "s");
                    b.conv("s", "y", 2, 2, 1);
                  }),
                  {"only at the network's output"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.floats("w", {2, 2, 1, 1}, {1, 2, std::nanf(""), 0});
                    b.node("Conv", {"x", "w"}, "y");
                  }),
                  {"'w'", "not finite"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.floats("w", {2, 2, 1, 1}, {1, 2});
                    b.node("Conv", {"x", "w"}, "y");
                  }),
                  {"'w'", "8 bytes", "16"});

  OnnxBuilder dynamic;
  dynamic.input("x", {0, 3, 0, 0});
  dynamic.node("Relu", {"x"}, "y");
  dynamic.output("y");
  expect_rejected(dynamic, {"'x'", "no fixed size in dimension 2"});
  OnnxBuilder five;
  five.input("x", {0, 3, 4, 4, 4});
  five.node("Relu", {"x"}, "y");
  five.output("y");
  expect_rejected(five, {"5 dimensions", "expected 4", "2 or 3"});
  OnnxBuilder table;
  table.input("x", {0, 28, 28});
  table.node("Relu", {"x"}, "y");
  table.output("y");
  expect_rejected(table, {"'x'", "[batch, 28, 28]"});
  OnnxBuilder open;
  open.input("x", {0, 0});
  open.node("Relu", {"x"}, "y");
  open.output("y");
  expect_rejected(open, {"'x'", "no fixed size in dimension 1"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("s", {2}, {0, -1});
                    b.node("Reshape", {"x", "s"}, "y", {{"allowzero", std::int64_t{1}}});
                  }),
                  {"Reshape_y", "no elements"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("s", {2}, {1 << 20, 1 << 20});
                    b.node("ConstantOfShape", {"s"}, "c");
                    b.node("Add", {"x", "c"}, "y");
                  }),
                  {"ConstantOfShape_c", "at most 2^31"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.floats("two", {2}, {1, 2});
                    b.floats("three", {3}, {1, 2, 3});
                    b.node("Add", {"two", "three"}, "c");
                    b.node("Add", {"x", "c"}, "y");
                  }),
                  {"Add_c", "[2] and [3]"});
  expect_rejected(model([](OnnxBuilder& b) {
                    b.ints("one", {1}, {1});
                    b.ints("s", {2}, {1 << 20, 1 << 20});
                    b.node("Expand", {"one", "s"}, "c");
                    b.node("Add", {"x", "c"}, "y");
                  }),
                  {"Expand_c", "at most 2^31"});
}

}  // namespace
}  // namespace shiftsim::quantizer
