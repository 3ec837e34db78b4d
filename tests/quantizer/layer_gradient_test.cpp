// The gradients of each kind of layer against central differences of its own forward pass.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "quantizer/float/float_ops.h"
#include "tests/quantizer/differences.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

// ---- convolution ----

struct ConvCase {
  const char* name;
  Shape input;
  ConvOptions options;
};

void PrintTo(const ConvCase& layer, std::ostream* out) {
  *out << layer.name;
}

constexpr auto kNone = qnet::Activation::kNone;

const ConvCase kConvolutions[] = {
    {"plain", {5, 7, 6}, ConvOptions::same(9, 3, 1, 1, kNone)},
    {"pointwise", {16, 5, 5}, ConvOptions::same(8, 1, 1, 1, kNone)},
    {"wide_pointwise", {32, 6, 6}, ConvOptions::same(64, 1, 1, 1, kNone)},
    {"blocked", {16, 14, 14}, ConvOptions::same(32, 3, 1, 1, kNone)},
    {"blocked_uneven_pads", {24, 15, 13}, {20, 3, 1, 1, 1, 2, 0, 0, 2, kNone, -1}},
    {"blocked_unpadded", {8, 17, 16}, {12, 3, 1, 1, 1, 0, 0, 0, 0, kNone, -1}},
    {"blocked_wide", {8, 4, 70}, ConvOptions::same(4, 3, 1, 1, kNone)},
    {"grouped", {6, 6, 6}, ConvOptions::same(9, 3, 1, 3, kNone)},
    {"depthwise", {8, 7, 7}, ConvOptions::same(8, 3, 1, 8, kNone)},
    {"wide_depthwise", {48, 9, 9}, ConvOptions::same(48, 3, 2, 48, kNone)},
    {"depthwise_multiplier", {4, 6, 6}, ConvOptions::same(8, 3, 1, 4, kNone)},
    {"strided", {6, 9, 9}, ConvOptions::same(8, 3, 2, 1, kNone)},
    {"stride_leaves_rows_out", {4, 8, 8}, {6, 1, 3, 1, 1, 0, 0, 0, 0, kNone, -1}},
    {"dilated", {4, 9, 9}, {5, 3, 1, 2, 1, 2, 2, 2, 2, kNone, -1}},
    {"dilated_strided_depthwise", {6, 11, 11}, {6, 3, 2, 2, 6, 2, 2, 2, 2, kNone, -1}},
    {"asymmetric_pads", {5, 7, 8}, {7, 3, 2, 1, 1, 0, 1, 2, 0, kNone, -1}},
    {"linear", {24, 1, 1}, ConvOptions::same(10, 1, 1, 1, kNone)},
    {"linear_over_a_map", {6, 4, 4}, {10, 4, 1, 1, 1, 0, 0, 0, 0, kNone, -1}},
    {"one_channel", {1, 6, 6}, ConvOptions::same(4, 3, 1, 1, kNone)},
};

class ConvolutionGradient : public testing::TestWithParam<ConvCase> {};

TEST_P(ConvolutionGradient, EqualsDifferences) {
  const ConvCase& of = GetParam();
  const unsigned seed = 17;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  UnitBuilder builder(of.input, seed);
  builder.conv(0, of.options);
  std::mt19937& random = builder.random();
  const PlannedLayer& layer = builder.plan().layers[0];
  // A full chunk and a shorter one have primitives of their own.
  ConvOp op(layer.geometry, 3);
  op.prepare_backward();
  ConvScratch scratch;
  for (const std::size_t images : {std::size_t{3}, std::size_t{2}}) {
    std::vector<float> x = random_values(random, images * of.input.size());
    std::vector<float> w = layer.weight, b = random_values(random, layer.bias.size());
    const std::vector<float> g = random_values(random, images * layer.geometry.output.size());
    std::vector<float> y(g.size());
    const auto function = [&] {
      op.set_weights(w, b);
      op.forward(x.data(), y.data(), images, scratch);
      return dot(y, g);
    };
    function();
    std::vector<float> dx(x.size(), 1e9f), dw(w.size(), 1e9f), db(b.size(), 1e9f);
    op.backward_data(g.data(), dx.data(), images, scratch);
    op.backward_weights(x.data(), g.data(), dw.data(), db.data(), images, scratch);
    const std::string what = fmt::format("{} images, ", images);
    expect_differences(x, dx, function, 1.0f, random, what + "input");
    expect_differences(w, dw, function, 1.0f, random, what + "weights");
    expect_differences(b, db, function, 1.0f, random, what + "bias");
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, ConvolutionGradient, testing::ValuesIn(kConvolutions),
                         [](const auto& instance) { return std::string(instance.param.name); });

// ---- pools ----

/// Values 0.01 apart in random order: no ties, and the largest of a window stays so for smaller steps.
std::vector<float> distinct_values(std::mt19937& random, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = 0.01f * static_cast<float>(i) - 1.0f;
  std::shuffle(values.begin(), values.end(), random);
  return values;
}

/// The first reader of a tensor sets its gradient, others add theirs.
TEST(LayerGradient, IsSetOrAdded) {
  UnitBuilder builder({4, 6, 6}, 3);
  builder.conv(0, ConvOptions::same(4, 3));
  builder.max_pool(0, {2, 2, 2, 2, 1, 1, 0, 0, 0, 0});
  builder.sum_pool(0);
  builder.function(0, ScalarFunction::apply(ScalarOp::kTanh, ScalarFunction::input()));
  for (const PlannedLayer& layer : builder.plan().layers) {
    SCOPED_TRACE(qnet::to_string(layer.kind));
    LayerOp op(layer.in_float(), 1);
    op.prepare_backward();
    op.set_weights(layer.weight, layer.bias);
    const std::vector<float> x = random_values(builder.random(), layer.geometry.input.size());
    const std::vector<float> g = random_values(builder.random(), layer.geometry.output.size());
    std::vector<float> set(x.size(), 5.0f), added(x.size(), 5.0f), share(x.size());
    ConvScratch scratch;
    op.backward_input(x.data(), g.data(), {set.data(), false, share.data()}, 1, scratch);
    op.backward_input(x.data(), g.data(), {added.data(), true, share.data()}, 1, scratch);
    ASSERT_GT(rms(set), 0);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(added[i], set[i] + 5.0f, 1e-5f) << i;
  }
}

TEST(PoolGradient, OfMaxPoolEqualsDifferences) {
  const Window windows[] = {{2, 2, 2, 2, 1, 1, 0, 0, 0, 0},
                            {3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
                            {3, 2, 1, 2, 1, 1, 1, 0, 0, 1},
                            {2, 2, 1, 1, 2, 2, 0, 0, 0, 0}};
  std::mt19937 random(5);
  for (const Window& window : windows) {
    const Shape in{3, 7, 6};
    const Shape out{3, window.out_height(in.height), window.out_width(in.width)};
    constexpr std::size_t kImages = 2;
    std::vector<float> x = distinct_values(random, kImages * in.size());
    const std::vector<float> g = random_values(random, kImages * out.size());
    std::vector<float> y(g.size()), dx(x.size(), 0.5f);
    const auto function = [&] {
      max_pool(window, in, out, x.data(), y.data(), kImages);
      return dot(y, g);
    };
    max_pool_backward(window, in, out, x.data(), g.data(), dx.data(), kImages);
    for (float& value : dx) value -= 0.5f;  // it adds to what is there
    expect_differences(x, dx, function, 0.004f, random, fmt::format("kernel {}x{}", window.kernel_h, window.kernel_w));
  }
}

TEST(PoolGradient, OfMaxPoolGoesToTheFirstOfEquals) {
  const Window window{2, 2, 2, 2, 1, 1, 0, 0, 0, 0};
  const std::vector<float> x{1, 3, 3, 3, /**/ -2, -2, -2, -2}, g{5, 7};
  std::vector<float> dx(8);
  max_pool_backward(window, {1, 2, 2}, {1, 1, 1}, x.data(), g.data(), dx.data(), 2);
  EXPECT_EQ(dx, (std::vector<float>{0, 5, 0, 0, 7, 0, 0, 0}));
}

TEST(PoolGradient, OfGlobalPoolEqualsDifferences) {
  std::mt19937 random(6);
  const Shape in{5, 4, 3};
  constexpr std::size_t kImages = 3;
  for (const double factor : {1.0, 1.0 / 12}) {
    std::vector<float> x = random_values(random, kImages * in.size()), y(kImages * 5), dx(x.size(), -1.0f);
    const std::vector<float> g = random_values(random, y.size());
    const auto function = [&] {
      global_pool(in, factor, x.data(), y.data(), kImages);
      return dot(y, g);
    };
    global_pool_backward(in, factor, g.data(), dx.data(), kImages);
    for (float& value : dx) value += 1.0f;
    expect_differences(x, dx, function, 1.0f, random, fmt::format("factor {}", factor));
  }
}

// ---- functions ----

TEST(FunctionGradient, EqualsDifferences) {
  using F = ScalarFunction;
  const F x = F::input();
  const auto of = [&](ScalarOp op) { return F::apply(op, x); };
  const std::vector<std::pair<const char*, F>> functions = {
      {"tanh", of(ScalarOp::kTanh)},
      {"erf", of(ScalarOp::kErf)},
      {"sigmoid", of(ScalarOp::kSigmoid)},
      {"softplus", of(ScalarOp::kSoftplus)},
      {"exp", of(ScalarOp::kExp)},
      {"elu", F::if_positive(x, x, of(ScalarOp::kExpm1))},
      {"silu", x * of(ScalarOp::kSigmoid)},
      {"hard_swish", x * clipped(affine(x, 1.0 / 6, 0.5), 0, 1)},
      {"square_root", F::apply(ScalarOp::kSqrt, x * x + F::constant(1))},
      {"logarithm", F::apply(ScalarOp::kLog, x * x + F::constant(1))},
      {"quotient", F::apply(ScalarOp::kDivide, x, x * x + F::constant(2))},
      {"difference", F::apply(ScalarOp::kSubtract, x * x, x)},
      {"power", F::apply(ScalarOp::kPower, x * x + F::constant(1), F::constant(1.5))},
  };
  UnitBuilder builder({6, 5, 4}, 8);
  for (const auto& [name, function] : functions) builder.function(0, function);
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const FloatLayer layer = builder.plan().layers[i].in_float();
    LayerOp op(layer, 3);
    op.prepare_backward();
    ConvScratch scratch;
    constexpr std::size_t kImages = 3;
    std::vector<float> values = random_values(builder.random(), kImages * layer.geometry.input.size());
    const std::vector<float> g = random_values(builder.random(), values.size());
    std::vector<float> y(g.size()), dx(values.size(), 7.0f);
    const auto loss = [&] {
      op.forward(values.data(), nullptr, y.data(), kImages, scratch);
      return dot(y, g);
    };
    op.backward_input(values.data(), g.data(), {dx.data(), false, nullptr}, kImages, scratch);
    expect_differences(values, dx, loss, 0.001f, builder.random(), functions[i].first);
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
