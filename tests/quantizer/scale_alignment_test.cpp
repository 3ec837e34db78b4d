// Channels multiplied by factors that suit powers of two: the same function, with less noise.
#include "quantizer/calibrate/scale_alignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quantizer/import/onnx_import.h"
#include "quantizer/learn/unit_model.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/models.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

constexpr std::size_t kImages = 6;

/// All tensors of the float network.
std::vector<TensorSample> run(const Plan& plan, const std::vector<float>& input) {
  const Unit whole = partition(plan, Granularity::kNetwork).front();
  UnitModel model(plan, whole, kImages, 1, UnitModel::Use::kInference);
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    if (plan.layers[i].kind == qnet::LayerKind::kConv)
      model.set_weights(static_cast<int>(i), plan.layers[i].weight, plan.layers[i].bias);
  std::vector<int> all;
  for (const PlannedLayer& layer : plan.layers) all.push_back(layer.output);
  model.keep(all);
  model.forward(0, {input.data()}, kImages, 0);
  std::vector<TensorSample> tensors(plan.tensors.size());
  tensors[0] = input;
  for (const PlannedLayer& layer : plan.layers) {
    const auto values = model.values(0, layer.output, false);
    tensors[static_cast<std::size_t>(layer.output)].assign(values.begin(), values.end());
  }
  return tensors;
}

std::vector<float> random_input(const Plan& plan, std::mt19937& random) {
  std::normal_distribution<float> normal(0.0f, 60.0f);
  std::vector<float> input(kImages * plan.tensor(0).shape.size());
  for (float& value : input) value = normal(random);
  return input;
}

int align(Plan& plan, const std::vector<TensorSample>& samples, int threads = 2) {
  ThreadPool workers(threads);
  return align_scales(plan, samples, true, workers);
}

/// Each channel's factor, or 0 where the channel is not one factor times what it was.
std::vector<double> factors(const TensorSample& before, const TensorSample& after, std::size_t channels) {
  std::vector<double> result(channels, 0), most(channels, 0);
  for (std::size_t i = 0; i < before.size(); ++i)
    if (std::abs(static_cast<double>(before[i])) > most[i % channels]) {
      most[i % channels] = std::abs(static_cast<double>(before[i]));
      result[i % channels] = static_cast<double>(after[i]) / static_cast<double>(before[i]);
    }
  for (std::size_t i = 0; i < before.size(); ++i)
    if (std::abs(static_cast<double>(after[i]) - result[i % channels] * static_cast<double>(before[i])) >
        1e-4 * most[i % channels])
      result[i % channels] = 0;
  return result;
}

double largest_of(const TensorSample& values, std::size_t channel, std::size_t channels) {
  float most = 0;
  for (std::size_t i = channel; i < values.size(); i += channels) most = std::max(most, std::abs(values[i]));
  return static_cast<double>(most);
}

class ScaleAlignment : public TemporaryFolder {};

TEST_F(ScaleAlignment, ComputesTheSameFunction) {
  int scaled = 0;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    for (const OnnxBuilder& model : {residual_model(seed), mobile_model(seed), preactivation_model(seed)}) {
      Recipe recipe;
      recipe.weight_bits = seed % 2 == 0 ? 2 : 4;
      recipe.input = {{0.4}, {0.3}, 255};
      Plan plan = make_plan(import_onnx(model.save(folder_ / "m.onnx")), recipe, "model");
      const Plan original = plan;
      std::mt19937 random(seed);
      const std::vector<float> input = random_input(plan, random);
      const std::vector<TensorSample> before = run(plan, input);
      scaled += align(plan, before);
      const std::vector<TensorSample> after = run(plan, input);
      for (std::size_t t = 0; t < plan.tensors.size(); ++t) {
        SCOPED_TRACE(plan.tensors[t].name);
        const auto channels = static_cast<std::size_t>(plan.tensors[t].shape.channels);
        const std::vector<double> by = factors(before[t], after[t], channels);
        for (std::size_t c = 0; c < channels; ++c) {
          // Not one factor, but for a channel that is all 0.
          if (by[c] == 0) {
            EXPECT_EQ(largest_of(before[t], c, channels), 0);
          }
          if (by[c] != 0 && (t == 0 || plan.tensors[t].is_logits)) {
            EXPECT_NEAR(by[c], 1, 1e-3);
          }
          // Nothing leaves its octave by more than half of one to either side, twice.
          EXPECT_TRUE(by[c] == 0 || (by[c] > 0.49 && by[c] < 2.01)) << by[c];
        }
      }
      for (std::size_t i = 0; i < plan.layers.size(); ++i)
        if (plan.layers[i].policy == "exact" || plan.layers[i].policy == "fixed") {
          EXPECT_EQ(plan.layers[i].weight, original.layers[i].weight) << plan.layers[i].name;
        }
    }
  }
  EXPECT_GT(scaled, 30);
}

/// What is tied by an addition has one factor for all of its channels.
TEST(ScaleAlignmentOf, TensorsTiedByAnAdditionShareOneFactor) {
  UnitBuilder builder({3, 8, 8}, 3);
  const int stem = builder.conv(0, ConvOptions::same(8, 3));
  ConvOptions last = ConvOptions::same(8, 3);
  last.residual = stem;
  const int inside = builder.conv(stem, ConvOptions::same(8, 3));
  const int sum = builder.conv(inside, last);
  builder.conv(sum, ConvOptions::same(8, 3));
  builder.conv(sum + 1, ConvOptions::same(4, 1));
  Plan plan = builder.plan();
  plan.tensors.back().is_logits = true;
  const std::vector<float> input = random_input(plan, builder.random());
  std::vector<TensorSample> before = run(plan, input);
  // The common factor is sqrt(2) away at the most where both tensors want the same: 15 steps of 0.7 of a power of two.
  const float wanted = 15 * 0.7f * std::exp2(-3.0f);
  for (const int tensor : {stem, sum}) {
    TensorSample& sample = before[static_cast<std::size_t>(tensor)];
    for (std::size_t i = 0; i < sample.size(); ++i)
      sample[i] = wanted * static_cast<float>(i % 16) / 15;  // at its own 16 levels, no noise at all
  }
  const std::vector<TensorSample> reference = run(plan, input);
  EXPECT_GE(align(plan, before), 2);
  const std::vector<TensorSample> after = run(plan, input);
  const std::vector<double> one = factors(reference[1], after[1], 8), other = factors(reference[3], after[3], 8);
  for (std::size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(one[c], one[0], 1e-3);
    EXPECT_NEAR(other[c], one[0], 1e-3);
  }
  EXPECT_NEAR(std::abs(std::log2(one[0] * 0.7)), std::abs(std::round(std::log2(one[0] * 0.7))), 0.07);
}

double rounding_noise(const Plan& plan, const std::vector<TensorSample>& samples, int tensor) {
  const PlannedTensor& planned = plan.tensor(tensor);
  const TensorSample& values = samples[static_cast<std::size_t>(tensor)];
  const auto channels = static_cast<std::size_t>(planned.shape.channels), parts = planned.per_channel ? channels : 1;
  double noise = 0;
  for (std::size_t c = 0; c < parts; ++c) {
    const Histogram histogram = channel_histograms({values, parts}, c, 1).front();
    const int exponent = search_activation_exponent(histogram, planned.range, 2);
    double here = 0, signal = 0;
    for (std::size_t i = c; i < values.size(); i += parts) {
      const auto x = static_cast<double>(values[i]);
      const double error = x - std::ldexp(std::clamp<double>(std::floor(std::ldexp(x, -exponent) + 0.5),
                                                             planned.range.low(), planned.range.top()),
                                          exponent);
      here += error * error;
      signal += x * x;
    }
    noise += signal > 0 ? here / signal / static_cast<double>(parts) : 0;
  }
  return noise;
}

/// Weights of 8 bits have no wish of their own: all that is chosen is for the values.
TEST(ScaleAlignmentOf, LowersTheNoiseOfValuesAndScalesReLU6sClamp) {
  for (const bool depthwise : {false, true}) {
    SCOPED_TRACE(depthwise);
    UnitBuilder builder({3, 12, 12}, 11, 8, 4);
    const int middle = builder.conv(0, ConvOptions::same(16, 3, 1, 1, qnet::Activation::kRelu6));
    const int behind = builder.conv(middle, ConvOptions::same(16, 3, 1, depthwise ? 16 : 1));
    builder.conv(behind, ConvOptions::same(4, 1));
    Plan plan = builder.plan();
    plan.tensors.back().is_logits = true;
    plan.tensors[static_cast<std::size_t>(middle)].per_channel = depthwise;
    for (std::size_t i = 0; i < plan.layers[0].weight.size(); ++i)
      plan.layers[0].weight[i] *= 0.02f * (1.0f + 0.1f * std::floor(static_cast<float>(i) / 27.0f));
    const std::vector<float> input = random_input(plan, builder.random());
    const std::vector<TensorSample> before = run(plan, input);
    Plan aligned = plan;
    ASSERT_GE(align(aligned, before), 1);
    const std::vector<TensorSample> after = run(aligned, input);
    EXPECT_LT(rounding_noise(aligned, after, middle), 0.95 * rounding_noise(plan, before, middle));
    const std::vector<float>& ceilings = aligned.tensor(middle).range.ceilings;
    const std::vector<double> by =
        factors(before[static_cast<std::size_t>(middle)], after[static_cast<std::size_t>(middle)], 16);
    ASSERT_EQ(ceilings.size(), 16u);
    for (std::size_t c = 0; c < 16; ++c) EXPECT_NEAR(static_cast<double>(ceilings[c]), 6 * by[c], 1e-3);
    EXPECT_TRUE(aligned.tensor(behind).range.ceilings.empty());
  }
}

TEST(ScaleAlignmentOf, IsTheSameAtAnyNumberOfThreadsAndLeavesTheUnknown) {
  UnitBuilder builder({3, 8, 8}, 5, 2);
  builder.conv(builder.conv(0, ConvOptions::same(8, 3)), ConvOptions::same(4, 1));
  const Plan plan = builder.plan();
  const std::vector<TensorSample> samples = run(plan, random_input(plan, builder.random()));
  Plan one = plan, three = plan, none = plan;
  EXPECT_GE(align(one, samples, 1), 1);
  align(three, samples, 3);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) EXPECT_EQ(one.layers[i].weight, three.layers[i].weight);
  EXPECT_EQ(align(none, std::vector<TensorSample>(plan.tensors.size())), 0);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) EXPECT_EQ(none.layers[i].weight, plan.layers[i].weight);
}

}  // namespace
}  // namespace shiftsim::quantizer
