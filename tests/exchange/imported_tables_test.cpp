// Activation functions of quantized files become tables with ONNX Runtime's entries.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "common/error.h"
#include "qnet/golden.h"
#include "quantizer/exchange/quantized_import.h"
#include "tests/cli/command.h"
#include "tests/exchange/int8_builder.h"
#include "tests/exchange/onnxruntime.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::quantizer {
namespace {

constexpr int kNewest = 20;  // the opset in which all these functions are

/// Adds nodes from the value 'x' to the value 'f'.
struct Function {
  const char* name;
  std::function<void(Int8Builder&)> add;
};

Function one_node(const char* type, const Attributes& attributes = {}) {
  return {type, [type = std::string(type), attributes](Int8Builder& b) { b.model.node(type, {"x"}, "f", attributes); }};
}

/// Of the values a, b, ...: type(a, b) -> name, one after the other.
void chain(Int8Builder& b, const std::vector<std::vector<std::string>>& nodes) {
  for (const auto& node : nodes) b.model.node(node[0], {node.begin() + 2, node.end()}, node[1]);
}

void constants(Int8Builder& b, const std::vector<std::pair<std::string, float>>& values) {
  for (const auto& [name, value] : values) b.model.floats(name, {}, {value});
}

const Function kFunctions[] = {one_node("HardSwish"),
                               one_node("LeakyRelu", {{"alpha", 0.1f}}),
                               {"LeakyReluOfTies",  // every second negative code is a tie
                                [](Int8Builder& b) {
                                  b.model.node("LeakyRelu", {"x"}, "f", {{"alpha", 0.125f}});
                                }},
                               one_node("HardSigmoid", {{"alpha", 0.2f}}),
                               one_node("Sigmoid"),
                               one_node("Tanh"),
                               one_node("Elu", {{"alpha", 1.0f}}),
                               one_node("Softplus"),
                               one_node("Mish"),
                               one_node("Gelu"),
                               {"SiLU",
                                [](Int8Builder& b) {
                                  chain(b, {{"Sigmoid", "s", "x"}, {"Mul", "f", "x", "s"}});
                                }},
                               {"SiLUOfQuantizedSigmoid",
                                [](Int8Builder& b) {
                                  b.model.node("Sigmoid", {"x"}, "s");
                                  b.quantize("s", "s_q", -7);
                                  b.model.node("Mul", {"s_q", "x"}, "f");
                                }},
                               {"HardSwishInParts",
                                [](Int8Builder& b) {
                                  constants(b, {{"three", 3}, {"zero", 0}, {"six", 6}});
                                  chain(b, {{"Add", "a", "x", "three"},
                                            {"Clip", "c", "a", "zero", "six"},
                                            {"Mul", "m", "x", "c"},
                                            {"Div", "f", "m", "six"}});
                                }},
                               {"HardSwishInQuantizedParts",
                                [](Int8Builder& b) {
                                  constants(b, {{"three", 3}, {"zero", 0}, {"six", 6}});
                                  b.model.node("Add", {"x", "three"}, "a");
                                  b.quantize("a", "a_q", -4);
                                  b.model.node("Clip", {"a_q", "zero", "six"}, "c");
                                  b.quantize("c", "c_q", -5, onnx::TensorProto::UINT8);
                                  chain(b, {{"Mul", "m", "x", "c_q"}, {"Div", "f", "m", "six"}});
                                }},
                               {"DivisionBySeven",
                                [](Int8Builder& b) {
                                  constants(b, {{"seven", 7}});
                                  chain(b, {{"Abs", "a", "x"}, {"Div", "f", "a", "seven"}});
                                }},
                               {"GeluByErf", [](Int8Builder& b) {
                                  constants(b, {{"root", 1.41421356f}, {"one", 1}, {"half", 0.5f}});
                                  chain(b, {{"Div", "d", "x", "root"},
                                            {"Erf", "e", "d"},
                                            {"Add", "a", "e", "one"},
                                            {"Mul", "m", "x", "a"},
                                            {"Mul", "f", "m", "half"}});
                                }}};

class ImportedTables : public test::CommandTest {
protected:
  QuantizedImport read_file(const OnnxBuilder& model) const {
    return import_quantized(write("m.onnx", model.bytes()), {}, false);
  }

  std::string refusal(const OnnxBuilder& model) const {
    try {
      read_file(model);
    } catch (const UserError& error) {
      return error.what();
    }
    return "taken";
  }
};

/// Codes in front of a function, and behind it.
struct Codes {
  int from, from_type, to, to_type;
};

/// An image of all codes, through the function alone.
OnnxBuilder function_model(const Function& function, const Codes& codes) {
  Int8Builder b(1, kNewest);
  b.model.input("image", {0, 1, 16, 16});
  b.quantize("image", "x", codes.from, codes.from_type);
  function.add(b);
  b.quantize("f", "y", codes.to, codes.to_type);
  b.model.output("y");
  return std::move(b.model);
}

TEST_F(ImportedTables, HaveOnnxRuntimesEntries) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  constexpr int kInt8 = onnx::TensorProto::INT8, kUint8 = onnx::TensorProto::UINT8;
  constexpr Codes kCodes[] = {{-5, kInt8, -6, kInt8},  {-5, kInt8, -3, kInt8},  {-5, kInt8, -3, kUint8},
                              {-4, kInt8, -6, kInt8},  {-4, kInt8, -3, kUint8}, {-4, kInt8, -3, kInt8},
                              {-5, kUint8, -3, kInt8}, {-6, kUint8, -6, kUint8}};
  std::vector<std::uint8_t> image(256);
  std::iota(image.begin(), image.end(), std::uint8_t{0});
  std::vector<test::OnnxJob> jobs;
  std::vector<qnet::Network> networks;
  for (const Function& function : kFunctions)
    for (const Codes& codes : kCodes) {
      const OnnxBuilder model = function_model(function, codes);
      networks.push_back(read_file(model).network);
      jobs.push_back(
          {model.bytes(), "disabled", {"y"}, codes.from_type == kInt8 ? 128.0f : 0.0f, std::ldexp(1.0f, codes.from)});
    }
  const auto found = test::run_onnx(folder_, networks[0], image, jobs);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    SCOPED_TRACE(fmt::format("{}, case {}", kFunctions[j / std::size(kCodes)].name, j % std::size(kCodes)));
    const qnet::Network& network = networks[j];
    ASSERT_EQ(network.layers.size(), 2u) << "one table, and the output's layer";
    EXPECT_TRUE(network.layers[0].has_table());
    const std::vector<float>& values = found[j].at("y");
    const std::vector<std::int32_t> golden = qnet::Golden(network).run(image.data(), 1, 1);
    ASSERT_EQ(values.size(), golden.size());
    for (std::size_t i = 0; i < golden.size(); ++i)
      ASSERT_EQ(values[i], std::ldexp(static_cast<float>(golden[i]), network.output().exponents[0])) << "pixel " << i;
    EXPECT_GT(std::set<float>(values.begin(), values.end()).size(), 3u);
  }
}

/// A tensor of 4 bits, which the image's codes are clamped to, has 16 of the entries. Its layer has no 8 bits, so the
/// table is one of its own.
TEST_F(ImportedTables, TakeCodesOfFewerBits) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  Int8Builder b(1);
  b.model.input("image", {0, 1, 16, 16});
  b.quantize("image", "x", -4);
  constants(b, {{"zero", 0}, {"top", 15.0f / 16}});
  b.model.node("Clip", {"x", "zero", "top"}, "c");
  b.quantize("c", "c_q", -4, onnx::TensorProto::UINT8);
  chain(b, {{"Sigmoid", "s", "c_q"}, {"Mul", "f", "c_q", "s"}});
  b.quantize("f", "y", -6);
  b.model.output("y");
  const qnet::Network network = read_file(b.model).network;
  ASSERT_EQ(network.layers.size(), 3u);
  EXPECT_EQ(network.tensors[1].bits, 4);
  const std::vector<std::uint8_t>& table = network.layers[1].table;
  ASSERT_EQ(table.size(), qnet::kTableEntries);
  EXPECT_EQ(table[200], table[15]);
  std::vector<std::uint8_t> image(256);
  std::iota(image.begin(), image.end(), std::uint8_t{0});
  const auto found = test::run_onnx(folder_, network, image, {{b.model.bytes(), "disabled", {"y"}, 128, 0x1p-4f}});
  const std::vector<std::int32_t> golden = qnet::Golden(network).run(image.data(), 1, 1);
  ASSERT_EQ(golden.size(), 256u);
  for (std::size_t i = 0; i < golden.size(); ++i)
    ASSERT_EQ(found[0].at("y")[i], std::ldexp(static_cast<float>(golden[i]), network.output().exponents[0])) << i;
  EXPECT_EQ(std::set<std::int32_t>(golden.begin(), golden.end()).size(), 16u);
}

/// HardSwish behind one convolution, LeakyRelu behind a sum; both quantized in front of the function.
OnnxBuilder table_model(unsigned seed) {
  Int8Builder b(seed, 14);
  OnnxBuilder& model = b.model;
  model.input("x", {0, 3, 7, 7});
  b.quantize("x", "x_q", -6);
  b.conv("x_q", "a", 3, 8, 3, -8);
  b.quantize("a", "a_q", -4);
  model.node("HardSwish", {"a_q"}, "a_f");
  b.quantize("a_f", "a_fq", -4);
  b.conv("a_fq", "b", 8, 8, 3, -7);
  model.node("Add", {"b", "a_fq"}, "sum");
  b.quantize("sum", "sum_q", -2);
  model.node("LeakyRelu", {"sum_q"}, "sum_f", {{"alpha", 0.1f}});
  b.quantize("sum_f", "sum_fq", -2);
  b.conv("sum_fq", "c", 8, 5, 7, -9);
  b.quantize("c", "y", 0);
  model.output("y");
  return std::move(model);
}

TEST_F(ImportedTables, StandBehindTheClampsOfTheirLayers) {
  SHIFTSIM_NEEDS_ONNXRUNTIME();
  constexpr std::size_t kCount = 40;
  std::vector<qnet::Network> networks;
  std::vector<test::OnnxTask> tasks;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const OnnxBuilder model = table_model(seed);
    const QuantizedImport imported = read_file(model);
    EXPECT_EQ(imported.counts.ties, 0);
    const qnet::Network& network = networks.emplace_back(imported.network);
    ASSERT_EQ(network.layers.size(), 4u);
    EXPECT_TRUE(network.layers[0].has_table());
    EXPECT_TRUE(network.layers[1].has_table());
    EXPECT_EQ(network.layers[0].name, "Conv_a");
    EXPECT_EQ(network.tensors[1].name, "a_fq");
    EXPECT_GE(network.layers[1].residual, 0);
    tasks.push_back({network.input(),
                     qnet::random_images(network, kCount, seed),
                     {{model.bytes(), "disabled", {"y"}, 128, 0x1p-6f}}});
  }
  const auto found = test::run_onnx(folder_, tasks);
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    const std::vector<float>& values = found[n][0].at("y");
    const std::vector<std::int32_t> golden = qnet::Golden(networks[n]).run(tasks[n].images.data(), kCount, 1);
    ASSERT_EQ(values.size(), golden.size());
    std::size_t i = 0;
    // ONNX orders a map's channels before its pixels.
    for (std::size_t image = 0; image < kCount; ++image)
      for (std::size_t c = 0; c < 5; ++c)
        for (std::size_t pixel = 0; pixel < 49; ++pixel, ++i)
          ASSERT_EQ(values[i], std::ldexp(static_cast<float>(golden[(image * 49 + pixel) * 5 + c]),
                                          networks[n].output().exponents[0]))
              << "seed " << n + 1 << ", image " << image;
    EXPECT_GT(std::set<std::int32_t>(golden.begin(), golden.end()).size(), 20u);
  }
}

TEST_F(ImportedTables, EntriesThatTheLastDigitDecidesAreCounted) {
  constexpr Codes kFar{-4, onnx::TensorProto::INT8, -3, onnx::TensorProto::INT8};
  // Far from 0 this function is its argument, less very little; every second one would be a tie.
  const QuantizedImport gelu = read_file(function_model(one_node("Gelu"), kFar));
  EXPECT_GT(gelu.counts.near_ties, 0);
  EXPECT_NE(import_text(gelu).find(fmt::format("tables: {} entries", gelu.counts.near_ties)), std::string::npos);
  const QuantizedImport swish = read_file(function_model(one_node("HardSwish"), kFar));
  EXPECT_EQ(swish.counts.near_ties, 0);
}

TEST_F(ImportedTables, WhatNoTableHoldsIsRefusedByName) {
  const auto with = [](const std::function<void(Int8Builder&)>& add) {
    Int8Builder b(1, kNewest);
    b.model.input("image", {0, 3, 4, 4});
    b.quantize("image", "x", -4);
    b.conv("x", "a", 3, 3, 1, -7);
    add(b);
    b.model.output("y");
    return std::move(b.model);
  };
  const std::vector<std::pair<std::function<void(Int8Builder&)>, std::vector<const char*>>> cases = {
      {[](Int8Builder& b) {
         b.model.node("HardSwish", {"a"}, "f");
         b.quantize("f", "y", -4);
       },
       {"node 'HardSwish_f'", "computes with 'Conv_a'", "not quantized in front of it"}},
      {[](Int8Builder& b) {
         b.model.node("Sigmoid", {"image"}, "f");
         b.quantize("f", "y", -4);
       },
       {"node 'Sigmoid_f'", "computes with 'image'", "not quantized in front of it"}},
      {[](Int8Builder& b) {
         b.quantize("a", "a_q", -4);
         b.model.node("Tanh", {"a_q"}, "f");
         b.conv("f", "y", 3, 2, 1, -7);
       },
       {"node 'Tanh_f'", "is not quantized behind it"}},
      {[](Int8Builder& b) {
         b.quantize("a", "a_q", -4);
         b.model.node("Mul", {"a_q", "x"}, "f");
         b.quantize("f", "y", -4);
       },
       {"node 'Mul_f'", "'x' and 'a_q'", "one quantized value"}},
      {[](Int8Builder& b) {
         b.quantize("a", "a_q", -4);
         b.model.floats("each", {1, 3, 1, 1}, {1, 2, 3});
         b.model.node("Tanh", {"a_q"}, "t");
         b.model.node("Mul", {"t", "each"}, "f");
         b.quantize("f", "y", -4);
       },
       {"node 'Mul_f'", "a value for each channel"}},
      {[](Int8Builder& b) {
         b.quantize("a", "a_q", -4);
         b.model.node("Log", {"a_q"}, "f");
         b.quantize("f", "y", -4);
       },
       {"node 'Log_f'", "gives no number for code 1 of 256"}}};
  for (const auto& [add, words] : cases) {
    const std::string message = refusal(with(add));
    for (const char* word : words) EXPECT_NE(message.find(word), std::string::npos) << word << ": " << message;
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
