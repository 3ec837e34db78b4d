// Equalization by powers of two: the same network to the last bit, with channels that are more alike.
#include "quantizer/equalization.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quantizer/reconstruction/unit_model.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

constexpr std::size_t kImages = 3;

std::vector<float> outputs(const Plan& plan, const std::vector<float>& input) {
  const Unit whole = partition(plan, Granularity::kNetwork).front();
  UnitModel model(plan, whole, kImages, 1, UnitModel::Use::kInference);
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    if (plan.layers[i].kind == qnet::LayerKind::kConv)
      model.set_weights(static_cast<int>(i), plan.layers[i].weight, plan.layers[i].bias);
  const float* y = model.forward(0, {input.data()}, kImages, 0);
  return {y, y + kImages * plan.tensor(whole.output).shape.size()};
}

/// Layers whose channels differ by powers of two, and the maxima of their outputs, made up: as wide as the weights.
struct Case {
  explicit Case(qnet::Activation activation, bool depthwise_behind = false) : builder({3, 6, 6}, 5) {
    const int first = builder.conv(0, ConvOptions::same(8, 3, 1, 1, activation));
    ConvOptions second = ConvOptions::same(8, 3, 1, depthwise_behind ? 8 : 1);
    builder.conv(builder.conv(first, second), ConvOptions::same(4, 1));
    plan = builder.plan();
    for (std::size_t c = 0; c < 8; ++c)
      for (std::size_t i = 0; i < 27; ++i) plan.layers[0].weight[c * 27 + i] *= std::exp2(static_cast<float>(c) - 4);
    largest.resize(plan.tensors.size());
    for (std::size_t c = 0; c < 8; ++c) largest[1].push_back(std::exp2(static_cast<float>(c) - 4));
    std::normal_distribution<float> normal(0.0f, 1.0f);
    input.resize(kImages * plan.tensor(0).shape.size());
    for (float& value : input) value = normal(builder.random());
  }

  UnitBuilder builder;
  Plan plan;
  std::vector<std::vector<float>> largest;
  std::vector<float> input;
};

TEST(Equalization, ChangesNoBitOfTheOutput) {
  for (const qnet::Activation activation : {qnet::Activation::kRelu, qnet::Activation::kNone}) {
    Case of(activation);
    const std::vector<float> before = outputs(of.plan, of.input);
    const Plan original = of.plan;
    EXPECT_GE(equalize(of.plan, of.largest), 4);
    EXPECT_NE(of.plan.layers[0].weight, original.layers[0].weight);
    EXPECT_NE(of.plan.layers[1].weight, original.layers[1].weight);
    EXPECT_EQ(of.plan.layers[2].weight, original.layers[2].weight);
    EXPECT_EQ(outputs(of.plan, of.input), before);
  }
}

/// Half of the way: channels that lay 2^7 apart lie at most 2^4 apart, and their columns take up the rest.
TEST(Equalization, BringsChannelsHalfWay) {
  Case of(qnet::Activation::kRelu);
  const Plan original = of.plan;
  equalize(of.plan, of.largest);
  float low = 1e9f, high = 0;
  for (std::size_t c = 0; c < 8; ++c) {
    const float by = of.plan.layers[0].bias[c] / original.layers[0].bias[c];
    EXPECT_EQ(std::log2(by), std::round(std::log2(by)));
    EXPECT_EQ(of.plan.layers[1].weight[c * 9], original.layers[1].weight[c * 9] / by);  // output 0, input c
    low = std::min(low, of.largest[1][c] * by);
    high = std::max(high, of.largest[1][c] * by);
  }
  EXPECT_LE(high / low, 32);
  EXPECT_GE(high / low, 4);
}

TEST(Equalization, LeavesWhatItMustNotTouch) {
  for (Case of : {Case(qnet::Activation::kRelu6), Case(qnet::Activation::kRelu, true)}) {
    const Plan original = of.plan;
    EXPECT_EQ(equalize(of.plan, of.largest), 0);
    for (std::size_t i = 0; i < original.layers.size(); ++i)
      EXPECT_EQ(of.plan.layers[i].weight, original.layers[i].weight);
  }
  // An exponent for each channel; nothing known of the range; read by an addition.
  Case of(qnet::Activation::kRelu);
  Plan plan = of.plan;
  plan.tensors[1].per_channel = true;
  EXPECT_EQ(equalize(plan, of.largest), 0);
  plan = of.plan;
  EXPECT_EQ(equalize(plan, std::vector<std::vector<float>>(plan.tensors.size())), 0);
  plan.layers[1].residual = 1;
  EXPECT_EQ(equalize(plan, of.largest), 0);
}

}  // namespace
}  // namespace shiftsim::quantizer
