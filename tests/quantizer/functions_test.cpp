// Activation functions of ONNX files: what each operator computes, and which chains of operators become one function.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "quantizer/import/onnx_import.h"
#include "quantizer/import/scalar_functions.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/onnx_builder.h"

namespace shiftsim::quantizer {
namespace {

class Functions : public TemporaryFolder {
protected:
  using Build = std::function<void(OnnxBuilder&)>;

  /// 'build' computes y from c, the output of a convolution; behind y is another one.
  Graph import(const Build& build, int opset = 20) const {
    OnnxBuilder b(opset);
    b.input("x", {0, 2, 6, 6});
    b.conv("x", "c", 2, 3, 3);
    build(b);
    b.conv("y", "last", 3, 4, 2);
    b.node("GlobalAveragePool", {"last"}, "logits");
    b.output("logits");
    return import_onnx(b.save(folder_ / "m.onnx"));
  }

  void expect_refused(const Build& build, std::initializer_list<std::string> words) const {
    expect_user_error([&] { import(build); }, words);
  }

  /// The only function of the graph, right behind the convolution.
  static const ScalarFunction& function_of(const Graph& graph) {
    EXPECT_EQ(graph.nodes[2].kind, NodeKind::kFunction);
    EXPECT_EQ(graph.nodes[2].inputs, std::vector<int>{1});
    for (std::size_t i = 3; i < graph.nodes.size(); ++i) EXPECT_NE(graph.nodes[i].kind, NodeKind::kFunction);
    return *graph.nodes[2].function;
  }

  static void expect_function(const Graph& graph, const std::function<double(double)>& wanted) {
    const ScalarFunction& found = function_of(graph);
    for (double x = -8; x <= 8; x += 0.0625)
      ASSERT_NEAR(found(x), wanted(x), 1e-6 * (1 + std::abs(wanted(x)))) << "at " << x;
  }
};

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double relu6(double x) {
  return std::min(std::max(x, 0.0), 6.0);
}

struct Operator {
  const char* name;
  Attributes attributes;
  double (*value)(double);
};

TEST_F(Functions, OfEachOperator) {
  const std::vector<Operator> operators = {
      {"LeakyRelu", {}, [](double x) { return x > 0 ? x : 0.01 * x; }},
      {"LeakyRelu", {{"alpha", 0.25f}}, [](double x) { return x > 0 ? x : x / 4; }},
      {"Elu", {}, [](double x) { return x > 0 ? x : std::exp(x) - 1; }},
      {"Elu", {{"alpha", 0.5f}}, [](double x) { return x > 0 ? x : (std::exp(x) - 1) / 2; }},
      {"Selu", {}, [](double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (std::exp(x) - 1)); }},
      {"Celu", {{"alpha", 2.0f}}, [](double x) { return x > 0 ? x : 2 * (std::exp(x / 2) - 1); }},
      {"HardSigmoid", {}, [](double x) { return std::min(std::max(0.2 * x + 0.5, 0.0), 1.0); }},
      {"HardSwish", {}, [](double x) { return x * relu6(x + 3) / 6; }},
      {"ThresholdedRelu", {{"alpha", 2.0f}}, [](double x) { return x > 2 ? x : 0; }},
      {"Sigmoid", {}, sigmoid},
      {"Tanh", {}, [](double x) { return std::tanh(x); }},
      {"Softplus", {}, [](double x) { return std::log(1 + std::exp(x)); }},
      {"Softsign", {}, [](double x) { return x / (1 + std::abs(x)); }},
      {"Mish", {}, [](double x) { return x * std::tanh(std::log(1 + std::exp(x))); }},
      {"Swish", {{"alpha", 1.5f}}, [](double x) { return x * sigmoid(1.5 * x); }},
      {"Gelu", {}, [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }},
      {"Gelu",
       {{"approximate", std::string("tanh")}},
       [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }},
      {"Erf", {}, [](double x) { return std::erf(x); }},
      {"Abs", {}, [](double x) { return std::abs(x); }},
  };
  for (const Operator& op : operators) {
    SCOPED_TRACE(op.name);
    expect_function(import([&](OnnxBuilder& b) { b.node(op.name, {"c"}, "y", op.attributes); }), op.value);
    if (HasFailure()) return;
  }
}

TEST_F(Functions, PReluHasOneSlope) {
  const auto build = [](const Ints& dims, const std::vector<float>& slopes) {
    return [=](OnnxBuilder& b) {
      b.floats("slope", dims, slopes);
      b.node("PRelu", {"c", "slope"}, "y");
    };
  };
  const auto wanted = [](double x) { return x > 0 ? x : 0.125 * x; };
  expect_function(import(build({1}, {0.125f})), wanted);
  expect_function(import(build({3, 1, 1}, {0.125f, 0.125f, 0.125f})), wanted);
  expect_refused(build({3, 1, 1}, {0.125f, 0.25f, 0.125f}),
                 {"PRelu_y", "slope for each channel", "one for all channels"});
}

TEST_F(Functions, SpelledOut) {
  const auto constants = [](OnnxBuilder& b) {
    for (const auto& [name, value] : std::vector<std::pair<std::string, float>>{{"0", 0.0f},
                                                                                {"1", 1.0f},
                                                                                {"2", 2.0f},
                                                                                {"3", 3.0f},
                                                                                {"6", 6.0f},
                                                                                {"half", 0.5f},
                                                                                {"0.1", 0.1f},
                                                                                {"cubic", 0.044715f},
                                                                                {"root", 0.7978845608f},
                                                                                {"minus1", -1.0f}})
      b.floats(name, {}, {value});
  };
  // x * sigmoid(x), either way round.
  expect_function(import([](OnnxBuilder& b) {
                    b.node("Sigmoid", {"c"}, "s");
                    b.node("Mul", {"s", "c"}, "y");
                  }),
                  [](double x) { return x * sigmoid(x); });
  // GELU by tanh, its cube by Pow.
  expect_function(import([&](OnnxBuilder& b) {
                    constants(b);
                    b.node("Pow", {"c", "3"}, "cube");
                    b.node("Mul", {"cube", "cubic"}, "m");
                    b.node("Add", {"c", "m"}, "a");
                    b.node("Mul", {"a", "root"}, "r");
                    b.node("Tanh", {"r"}, "t");
                    b.node("Add", {"t", "1"}, "t1");
                    b.node("Mul", {"c", "half"}, "h");
                    b.node("Mul", {"h", "t1"}, "y");
                  }),
                  [](double x) { return x / 2 * (1 + std::tanh(0.7978845608 * (x + 0.044715 * x * x * x))); });
  // Sigmoid from an exponential.
  expect_function(import([&](OnnxBuilder& b) {
                    constants(b);
                    b.node("Neg", {"c"}, "n");
                    b.node("Exp", {"n"}, "e");
                    b.node("Add", {"e", "1"}, "e1");
                    b.node("Div", {"1", "e1"}, "y");
                  }),
                  sigmoid);
  // Leaky ReLU as the larger of two.
  expect_function(import([&](OnnxBuilder& b) {
                    constants(b);
                    b.node("Mul", {"c", "0.1"}, "m");
                    b.node("Max", {"c", "m"}, "y");
                  }),
                  [](double x) { return std::max(x, 0.1 * x); });
  // What stands behind a function is part of it: a clip, a scale.
  expect_function(import([&](OnnxBuilder& b) {
                    constants(b);
                    b.node("Tanh", {"c"}, "t");
                    b.node("Relu", {"t"}, "r");
                    b.node("Mul", {"r", "6"}, "y");
                  }),
                  [](double x) { return 6 * std::max(std::tanh(x), 0.0); });
}

/// Clips from 0 on are clamps of the requantization; others are functions.
TEST_F(Functions, ClipToAnyBounds) {
  const auto clip = [](float low, float high) {
    return [=](OnnxBuilder& b) {
      b.floats("low", {}, {low});
      b.floats("high", {}, {high});
      b.node("Clip", {"c", "low", "high"}, "y");
    };
  };
  const Graph from_zero = import(clip(0, 2.5f));
  EXPECT_EQ(from_zero.nodes[1].clamp, (Clamp{0, 2.5}));
  EXPECT_EQ(activation_of(from_zero.nodes[1]), qnet::Activation::kRelu6);
  EXPECT_EQ(from_zero.nodes[2].kind, NodeKind::kConv);
  expect_function(import(clip(-1, 1)), [](double x) { return std::min(std::max(x, -1.0), 1.0); });
  expect_function(import(clip(0.5f, 1)), [](double x) { return std::min(std::max(x, 0.5), 1.0); });
}

TEST_F(Functions, StayClampsWhereThatIsAll) {
  const Graph graph = import([](OnnxBuilder& b) {
    b.floats("2", {}, {2});
    b.node("Mul", {"c", "2"}, "m");
    b.node("Relu", {"m"}, "y");
  });
  EXPECT_EQ(graph.nodes[1].clamp, (Clamp{.low = 0}));
  for (const Node& node : graph.nodes) EXPECT_NE(node.kind, NodeKind::kFunction) << node.name;
}

/// A function that never falls goes in front of a max pool, to the convolution's clamp; one that falls stays.
TEST_F(Functions, GoInFrontOfAMaxPool) {
  const auto pooled = [](const char* op) {
    return [=](OnnxBuilder& b) {
      b.node("MaxPool", {"c"}, "p", {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{0, 0, 1, 1}}});
      b.node(op, {"p"}, "y");
    };
  };
  const Graph rises = import(pooled("Tanh"));
  EXPECT_EQ(rises.nodes[2].kind, NodeKind::kFunction);
  EXPECT_EQ(rises.nodes[2].shape, rises.nodes[1].shape);
  EXPECT_EQ(rises.nodes[3].kind, NodeKind::kMaxPool);
  EXPECT_EQ(rises.nodes[3].inputs, std::vector<int>{2});
  const Graph falls = import(pooled("Mish"));
  EXPECT_EQ(falls.nodes[2].kind, NodeKind::kMaxPool);
  EXPECT_EQ(falls.nodes[3].kind, NodeKind::kFunction);
}

TEST_F(Functions, WhatElseReadsIsKept) {
  // Both the clamp and the function of it have readers of their own.
  const Graph graph = import([](OnnxBuilder& b) {
    b.node("Relu", {"c"}, "r");
    b.node("Tanh", {"r"}, "t");
    b.conv("r", "d", 3, 3, 1);
    b.node("Add", {"t", "d"}, "y");
  });
  EXPECT_EQ(graph.nodes[1].clamp, (Clamp{.low = 0}));
  int functions = 0;
  for (const Node& node : graph.nodes) functions += node.kind == NodeKind::kFunction;
  EXPECT_EQ(functions, 1);
}

TEST_F(Functions, ProductsOfTwoActivationsAreRefused) {
  expect_refused(
      [](OnnxBuilder& b) {
        b.conv("c", "d", 3, 3, 1);
        b.node("Mul", {"c", "d"}, "y");
      },
      {"Mul_y", "two activations", "no shift"});
  // A squeeze-excite gate.
  expect_refused(
      [](OnnxBuilder& b) {
        b.node("GlobalAveragePool", {"c"}, "pool");
        b.conv("pool", "gate", 3, 3, 1, 1, {}, false);
        b.node("Sigmoid", {"gate"}, "s");
        b.node("Mul", {"c", "s"}, "y");
      },
      {"Mul_y", "as a gate does", "product of two activations"});
  expect_refused(
      [](OnnxBuilder& b) {
        b.floats("scale", {4}, {1, 1, 1, 1});
        b.node("LayerNormalization", {"c", "scale"}, "y");
      },
      {"LayerNormalization_y", "divides activations by what is computed from them"});
}

TEST_F(Functions, MustBeFinite) {
  expect_refused([](OnnxBuilder& b) { b.node("Log", {"c"}, "y"); }, {"Log_y", "not finite"});
}

TEST(ScalarFunctions, KnowWhetherTheyFall) {
  const ScalarFunction x = ScalarFunction::input(), tanh = ScalarFunction::apply(ScalarOp::kTanh, x);
  EXPECT_TRUE(tanh.is_monotone());
  EXPECT_TRUE(clipped(x, -1, 1).is_monotone());
  EXPECT_FALSE((x * x).is_monotone());
  EXPECT_FALSE(affine(x, -1, 0).is_monotone());
  EXPECT_TRUE(tanh.can_be_negative(false));
  EXPECT_FALSE(tanh.can_be_negative(true));
  EXPECT_FALSE((x * x).can_be_negative(false));
  EXPECT_FALSE(ScalarFunction::apply(ScalarOp::kSqrt, x).is_finite(false));
  EXPECT_TRUE(ScalarFunction::apply(ScalarOp::kSqrt, x).is_finite(true));
}

TEST(ScalarFunctions, RoundEachStepWhereTold) {
  const ScalarFunction function = affine(ScalarFunction::input(), 1.0 / 3, -1);
  int different = 0;
  for (int i = 1; i < 200; ++i) {
    const auto x = static_cast<float>(i) / 64;
    float steps = 0, end = 0;
    function.evaluate_in_single(&x, &steps, 1);
    function.evaluate(&x, &end, 1);
    const float product = x * static_cast<float>(1.0 / 3);
    EXPECT_EQ(steps, product - 1.0f) << x;
    different += steps != end ? 1 : 0;
  }
  EXPECT_GT(different, 20) << "rounded at the end alone";
}

TEST(ScalarFunctions, ComposeWithoutRepetition) {
  const ScalarFunction x = ScalarFunction::input();
  const ScalarFunction twice = affine(x, 2, 1), square = x * x;
  EXPECT_DOUBLE_EQ(square.of(twice)(3), 49);
  EXPECT_DOUBLE_EQ(twice.of(square)(3), 19);
  EXPECT_DOUBLE_EQ(x.of(square)(3), 9);
  EXPECT_DOUBLE_EQ(square.of(x)(3), 9);
  EXPECT_DOUBLE_EQ(ScalarFunction::constant(5).of(square)(3), 5);
  EXPECT_DOUBLE_EQ((square.of(twice)).slope(3), 28);
}

}  // namespace
}  // namespace shiftsim::quantizer
