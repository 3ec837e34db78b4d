// Every gradient of reconstruction against central differences of its own forward pass; what passes "straight through"
// a rounding has no such differences and is checked against the formula that defines it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <fmt/format.h>

#include "quantizer/float/float_ops.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/unit_model.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

std::vector<float> random_values(std::mt19937& random, std::size_t count, float deviation = 1.0f) {
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double rms(std::span<const float> values) {
  return std::sqrt(dot(values, values) / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
}

/// Compares elements of 'gradient' with central differences of 'function', which is linear in each element of
/// 'variables' but for kinks (ReLU, the largest of a window). Elements with a kink within 'step' are left out: there
/// the function bends, and its second difference says so.
void expect_differences(std::vector<float>& variables, std::span<const float> gradient,
                        const std::function<double()>& function, float step, std::mt19937& random,
                        const std::string& what) {
  ASSERT_EQ(variables.size(), gradient.size()) << what;
  constexpr std::size_t kMost = 40;
  const double middle = function(), scale = rms(gradient);
  ASSERT_GT(scale, 0) << what << ": a gradient of zeros checks nothing";
  std::vector<std::size_t> chosen(variables.size());
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  std::shuffle(chosen.begin(), chosen.end(), random);
  chosen.resize(std::min(kMost, chosen.size()));
  std::size_t checked = 0;
  for (const std::size_t i : chosen) {
    const float before = variables[i];
    variables[i] = before + step;
    const double above = function(), width_above = static_cast<double>(variables[i] - before);
    variables[i] = before - step;
    const double below = function(), width_below = static_cast<double>(before - variables[i]);
    variables[i] = before;
    const double right = (above - middle) / width_above, left = (middle - below) / width_below;
    if (std::abs(right - left) > 1e-3 * (scale + std::abs(right))) continue;
    ++checked;
    const double found = static_cast<double>(gradient[i]);
    EXPECT_NEAR(found, (right + left) / 2, 2e-3 * (scale + std::abs(found))) << what << " element " << i;
  }
  EXPECT_GE(3 * checked, chosen.size()) << what << ": too many kinks, choose a smaller step";
}

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

double silu_in_double(double x) {
  return x / (1 + std::exp(-x));
}

/// x * sigmoid(x): it falls, and rises.
ScalarFunction silu() {
  return ScalarFunction::input() * ScalarFunction::apply(ScalarOp::kSigmoid, ScalarFunction::input());
}

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
      {"silu", silu()},
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

// ---- units ----

constexpr auto kRelu = qnet::Activation::kRelu;
constexpr auto kRelu6 = qnet::Activation::kRelu6;

/// Tensors read once and more than once, a shortcut from outside and two from inside, ReLU6 that clamps, all kinds of
/// layers.
UnitBuilder varied_unit(unsigned seed) {
  UnitBuilder builder({5, 5, 5}, seed);
  const int stem = builder.conv(0, ConvOptions::same(6, 3));
  const int a1 = builder.conv(stem, ConvOptions::same(12, 1, 1, 1, kRelu6));
  const int a2 = builder.conv(a1, ConvOptions::same(12, 3, 1, 12, kRelu6));
  ConvOptions project = ConvOptions::same(6, 1, 1, 1, kNone);
  project.residual = stem;
  const int a3 = builder.conv(a2, project);
  // Reads 'stem' behind the layer that has it as a shortcut.
  ConvOptions again = ConvOptions::same(6, 1, 1, 2);
  again.residual = a3;
  const int a4 = builder.conv(stem, again);
  const int pooled = builder.max_pool(a4, {3, 3, 2, 2, 1, 1, 1, 1, 1, 1});
  const int b1 = builder.conv(pooled, {8, 3, 2, 1, 1, 1, 0, 1, 2, kNone, -1});
  const int sum = builder.conv(pooled, {8, 1, 2, 1, 2, 0, 0, 0, 0, kRelu, b1});
  // Some channels of two tensors, one of them twice, pixels repeated.
  ViewMap view{{9, 0, 3, 15, 3, 8}, 8, 8, 2, 1};
  const int shown = builder.view(b1, sum, view);
  const int mixed = builder.conv(shown, ConvOptions::same(8, 1, 1, 1, kNone));
  const int total = builder.sum_pool(builder.function(mixed, silu()));
  builder.conv(total, ConvOptions::same(4, 1, 1, 1, kNone));
  return builder;
}

/// A unit with its weights, at hand to be changed.
class UnderTest {
public:
  static constexpr std::size_t kSlots = 2, kChunk = 2;

  UnderTest(const Plan& plan, std::mt19937& random)
      : unit(partition(plan, Granularity::kNetwork).front()), model(plan, unit, kChunk, kSlots) {
    for (const PlannedLayer& layer : plan.layers) {
      weights.push_back(layer.weight);
      biases.push_back(layer.bias);
    }
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      inputs.push_back(random_values(random, kChunk * plan.tensor(0).shape.size()));
      gradients.push_back(random_values(random, kChunk * plan.tensor(unit.output).shape.size()));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) set_weights(i);
  }

  void set_weights(std::size_t layer) {
    if (!weights[layer].empty()) model.set_weights(static_cast<int>(layer), weights[layer], biases[layer]);
  }

  /// The slot's loss: its output times its fixed gradient.
  double loss(std::size_t slot) {
    const float* y = model.forward(slot, {inputs[slot].data()}, kChunk, kSeed);
    return dot({y, gradients[slot].size()}, gradients[slot]);
  }

  void backward(std::size_t slot) {
    std::vector<float> gradient = gradients[slot];
    model.backward(slot, gradient.data(), true);
  }

  static constexpr std::uint32_t kSeed = 99;
  Unit unit;
  UnitModel model;
  std::vector<std::vector<float>> weights, biases, inputs, gradients;
};

std::vector<float> copy(std::span<const float> values) {
  return {values.begin(), values.end()};
}

/// use(output element, pixel of the input, channel, tap) for every tap within the map.
template <typename Use>
void each_tap(const ConvGeometry& shape, int channels, Use use) {
  const Window& w = shape.window;
  std::size_t out = 0;
  for (int image = 0; image < static_cast<int>(UnderTest::kChunk); ++image)
    for (int y = 0; y < shape.output.height; ++y)
      for (int x = 0; x < shape.output.width; ++x)
        for (int k = 0; k < channels; ++k, ++out)
          for (int tap = 0; tap < static_cast<int>(w.taps()); ++tap) {
            const int row = y * w.stride_h - w.pad_top + tap / w.kernel_w * w.dilation_h;
            const int column = x * w.stride_w - w.pad_left + tap % w.kernel_w * w.dilation_w;
            if (row < 0 || row >= shape.input.height || column < 0 || column >= shape.input.width) continue;
            use(out, static_cast<std::size_t>((image * shape.input.height + row) * shape.input.width + column), k, tap);
          }
}

/// use(output element, whether it is joined, element of its source) for every element of a view.
template <typename Use>
void each_view_value(const PlannedLayer& layer, Use use) {
  const Shape &in = layer.geometry.input, &shape = layer.geometry.output;
  const ViewMap& view = layer.view;
  std::size_t out = 0;
  for (int image = 0; image < static_cast<int>(UnderTest::kChunk); ++image)
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x)
        for (const int k : view.channels) {
          const int pixel = (image * in.height + y / view.upsample_h) * in.width + x / view.upsample_w;
          const bool joined = k >= in.channels;
          const int from = joined ? pixel * view.joined_channels + k - in.channels : pixel * in.channels + k;
          use(out++, joined, static_cast<std::size_t>(from));
        }
}

/// The unit's loss in double, by loops: float's rounding would hide small changes, and large ones meet kinks.
double loss_in_double(const Plan& plan, const UnderTest& of, std::size_t slot) {
  const auto index = [](int i) { return static_cast<std::size_t>(i); };
  std::vector<std::vector<double>> values(plan.tensors.size());
  values[0].assign(of.inputs[slot].begin(), of.inputs[slot].end());
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    const ConvGeometry& shape = layer.geometry;
    const std::vector<double>& in = values[index(layer.input)];
    const int in_channels = shape.input.channels, channels = shape.output.channels;
    const bool is_max = layer.kind == qnet::LayerKind::kMaxPool, is_conv = layer.kind == qnet::LayerKind::kConv;
    std::vector<double> out(UnderTest::kChunk * shape.output.size(), is_max ? -1e300 : 0.0);
    const int group_in = in_channels / shape.groups, group_out = channels / shape.groups;
    if (layer.is_view()) {
      each_view_value(layer, [&](std::size_t to, bool joined, std::size_t from) {
        out[to] = joined ? values[index(layer.residual)][from] : in[from];
      });
      values[index(layer.output)] = std::move(out);
      continue;
    }
    each_tap(shape, channels, [&](std::size_t to, std::size_t pixel, int k, int tap) {
      const double* from = in.data() + pixel * index(in_channels);
      if (is_max) out[to] = std::max(out[to], from[k]);
      if (layer.kind == qnet::LayerKind::kSumPool) out[to] += from[k];
      for (int c = 0; is_conv && c < group_in; ++c) {
        const std::size_t w = index((k * group_in + c) * static_cast<int>(shape.window.taps()) + tap);
        out[to] += from[k / group_out * group_in + c] * static_cast<double>(of.weights[i][w]);
      }
    });
    for (std::size_t j = 0; j < out.size(); ++j) {
      if (layer.function) out[j] = silu_in_double(out[j]);
      if (is_conv) out[j] += static_cast<double>(of.biases[i][j % index(channels)]);
      if (layer.residual >= 0) out[j] += values[index(layer.residual)][j];
      const ActivationRange& range = plan.tensor(layer.output).range;
      out[j] = std::clamp(out[j], static_cast<double>(layer.floor()),
                          static_cast<double>(range.ceiling(j % index(channels))));
    }
    values[index(layer.output)] = std::move(out);
  }
  double sum = 0;
  for (std::size_t j = 0; j < values.back().size(); ++j)
    sum += values.back()[j] * static_cast<double>(of.gradients[slot][j]);
  return sum;
}

TEST(UnitGradient, OfEveryLayerEqualsDifferences) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    UnitBuilder builder = varied_unit(seed);
    const Plan& plan = builder.plan();
    UnderTest of(plan, builder.random());
    // Both slots first, then their gradients: no slot may disturb the other.
    for (std::size_t slot = 0; slot < UnderTest::kSlots; ++slot) {
      const double expected = loss_in_double(plan, of, slot);
      EXPECT_NEAR(of.loss(slot), expected, 1e-4 * (1 + std::abs(expected)));
    }
    for (std::size_t slot = 0; slot < UnderTest::kSlots; ++slot) of.backward(slot);
    for (std::size_t slot = 0; slot < UnderTest::kSlots; ++slot)
      for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        if (of.weights[i].empty()) continue;
        const int layer = static_cast<int>(i);
        const std::vector<float> dw = copy(of.model.weight_gradient(slot, layer)),
                                 db = copy(of.model.bias_gradient(slot, layer));
        const auto function = [&] { return loss_in_double(plan, of, slot); };
        const std::string what = fmt::format("slot {} layer {} ", slot, i);
        expect_differences(of.weights[i], dw, function, 1e-5f, builder.random(), what + "weights");
        expect_differences(of.biases[i], db, function, 1e-5f, builder.random(), what + "bias");
      }
  }
}

TEST(UnitGradient, IsNotAddedToTheLastCalls) {
  UnitBuilder builder = varied_unit(4);
  UnderTest of(builder.plan(), builder.random());
  of.loss(0);
  of.backward(0);
  const std::vector<float> once = copy(of.model.weight_gradient(0, 0));
  of.loss(0);
  of.backward(0);
  EXPECT_EQ(copy(of.model.weight_gradient(0, 0)), once);
}

/// A unit's gradients by definition, in double, from the values that its forward pass left: convolution by loops,
/// roundings passed straight through.
class Reference {
public:
  using Values = std::vector<double>;

  Reference(const Plan& plan, const UnderTest& of, std::size_t slot)
      : plan_(plan), of_(of), slot_(slot), gradients_(plan.tensors.size()), steps(plan.tensors.size()) {
    for (std::size_t t = 0; t < plan.tensors.size(); ++t)
      gradients_[t].assign(UnderTest::kChunk * plan.tensors[t].shape.size(), 0);
    std::copy(of.gradients[slot].begin(), of.gradients[slot].end(), gradients_.back().begin());
    weights.resize(plan.layers.size());
    for (std::size_t i = plan.layers.size(); i-- > 0;) {
      const PlannedLayer& layer = plan.layers[i];
      Values& g = gradients_[index(layer.output)];
      through_quantizer(layer, g);
      if (layer.is_view()) {
        each_view_value(layer, [&](std::size_t to, bool joined, std::size_t from) {
          gradients_[index(joined ? layer.residual : layer.input)][from] += g[to];
        });
        continue;
      }
      if (layer.residual >= 0)
        for (std::size_t j = 0; j < g.size(); ++j) gradients_[index(layer.residual)][j] += g[j];
      if (layer.kind == qnet::LayerKind::kConv) convolution(i, g);
      if (layer.kind == qnet::LayerKind::kMaxPool) max_pool_of(layer, g);
      if (layer.function) {
        for (std::size_t j = 0; j < g.size(); ++j) {
          const double x = static_cast<double>(values(layer.input)[j]);
          const double sigmoid = 1 / (1 + std::exp(-x));
          gradients_[index(layer.input)][j] += g[j] * sigmoid * (1 + x * (1 - sigmoid));
        }
        continue;
      }
      if (layer.kind == qnet::LayerKind::kSumPool)
        for (std::size_t j = 0; j < values(layer.input).size(); ++j)
          gradients_[index(layer.input)][j] += g[j / layer.geometry.input.size() * g.size() / UnderTest::kChunk +
                                                 j % index(layer.geometry.input.channels)];
    }
  }

private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  std::span<const float> values(int tensor) const {
    return tensor == 0 ? std::span<const float>(of_.inputs[slot_]) : of_.model.values(slot_, tensor, false);
  }

  void through_quantizer(const PlannedLayer& layer, Values& g) {
    const TensorQuantizer& q = of_.model.quantizer(layer.output);
    const PlannedTensor& tensor = plan_.tensor(layer.output);
    const auto raw = of_.model.values(slot_, layer.output, true), out = values(layer.output);
    const std::size_t channels = index(tensor.shape.channels);
    steps[index(layer.output)].assign(channels, 0);
    for (std::size_t j = 0; j < g.size(); ++j) {
      const auto low = static_cast<double>(layer.floor());
      const auto high = static_cast<double>(tensor.range.ceiling(j % channels));
      const double z = static_cast<double>(raw[j]), x = std::clamp(z, low, high);
      bool passes = z > low && z < high;
      if (q.enabled) {
        const double step = q.steps[q.steps.size() == 1 ? 0 : j % channels];
        const double rounded = std::floor(x / step + 0.5);
        const double code = std::clamp<double>(rounded, tensor.range.low(), tensor.range.high_at(step, j % channels));
        const bool inside = rounded == code;
        const double value = static_cast<double>(out[j]);
        const bool quantized = value == code * step;
        if (quantized) {
          // LSQ: the derivative of clip(round(x / s)) * s with regard to s, round(v)' = 1.
          steps[index(layer.output)][j % channels] += g[j] * (inside ? code - x / step : code);
          passes = passes && inside;
          ++quantized_count;
        } else {
          EXPECT_EQ(value, x) << "neither quantized nor float";
          ++float_count;
        }
      }
      if (!passes) g[j] = 0;
    }
  }

  void convolution(std::size_t i, const Values& g) {
    const PlannedLayer& layer = plan_.layers[i];
    const ConvGeometry& shape = layer.geometry;
    const auto in = values(layer.input);
    Values& to = gradients_[index(layer.input)];
    weights[i].assign(layer.weight.size(), 0);
    const int group_in = shape.input.channels / shape.groups, group_out = shape.output.channels / shape.groups;
    each_tap(shape, shape.output.channels, [&](std::size_t out, std::size_t pixel, int k, int tap) {
      for (int c = 0; c < group_in; ++c) {
        const std::size_t w = index((k * group_in + c) * static_cast<int>(shape.window.taps()) + tap);
        const std::size_t from = pixel * index(shape.input.channels) + index(k / group_out * group_in + c);
        weights[i][w] += g[out] * static_cast<double>(in[from]);
        to[from] += g[out] * static_cast<double>(of_.weights[i][w]);
      }
    });
  }

  void max_pool_of(const PlannedLayer& layer, const Values& g) {
    const auto in = values(layer.input);
    const std::size_t channels = index(layer.geometry.input.channels);
    std::vector<std::size_t> best(g.size(), in.size());
    each_tap(layer.geometry, layer.geometry.output.channels, [&](std::size_t out, std::size_t pixel, int k, int) {
      const std::size_t from = pixel * channels + index(k);
      if (best[out] == in.size() || in[from] > in[best[out]]) best[out] = from;
    });
    for (std::size_t out = 0; out < g.size(); ++out) gradients_[index(layer.input)][best[out]] += g[out];
  }

  const Plan& plan_;
  const UnderTest& of_;
  std::size_t slot_;
  std::vector<Values> gradients_;

public:
  std::vector<Values> weights, steps;  ///< by layer; by tensor, one per channel
  std::size_t quantized_count = 0, float_count = 0;
};

void expect_close(std::span<const float> found, const std::vector<double>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double squares = 0;
  for (const double value : expected) squares += value * value;
  const double scale = std::sqrt(squares / static_cast<double>(expected.size()));
  ASSERT_GT(scale, 0) << what;
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(static_cast<double>(found[i]), expected[i], 1e-4 * (scale + std::abs(expected[i]))) << what << " " << i;
}

/// Roundings, clipping and random dropping between the layers: gradients of weights and of the scales.
TEST(UnitGradient, PassesStraightThroughQuantizers) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const double keep = seed % 2 == 0 ? 1.0 : 0.5;
    const bool per_channel = seed % 3 == 0;
    SCOPED_TRACE(fmt::format("seed {}, quantized with probability {}", seed, keep));
    UnitBuilder builder = varied_unit(seed);
    const Plan& plan = builder.plan();
    UnderTest of(plan, builder.random());
    std::uniform_int_distribution<int> exponent(-2, 0);  // the larger values are clipped
    for (const PlannedLayer& layer : plan.layers) {
      if (layer.kind == qnet::LayerKind::kMaxPool) continue;  // like reconstruction: its values are quantized already
      std::vector<double> steps(per_channel ? static_cast<std::size_t>(layer.geometry.output.channels) : 1);
      const bool is_sum = layer.kind == qnet::LayerKind::kSumPool && !layer.function;
      const int more = is_sum ? 2 : layer.function ? -2 : 0;  // or all of it would be; SiLU's values are small
      for (double& step : steps) step = std::exp2(exponent(builder.random()) + more);
      of.model.set_quantizer(layer.output, {true, keep, steps});
    }
    for (std::size_t slot = 0; slot < UnderTest::kSlots; ++slot) of.loss(slot);
    for (std::size_t slot = 0; slot < UnderTest::kSlots; ++slot) of.backward(slot);
    for (std::size_t slot = 0; slot < UnderTest::kSlots; ++slot) {
      const Reference expected(plan, of, slot);
      for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        const PlannedLayer& layer = plan.layers[i];
        if (layer.kind == qnet::LayerKind::kConv)
          expect_close(of.model.weight_gradient(slot, static_cast<int>(i)), expected.weights[i],
                       fmt::format("weights of layer {}", i));
        if (of.model.quantizer(layer.output).enabled)
          expect_close(of.model.step_gradient(slot, layer.output),
                       expected.steps[static_cast<std::size_t>(layer.output)], fmt::format("steps of layer {}", i));
      }
      EXPECT_GT(expected.quantized_count, 0u);
      if (keep == 1.0)
        EXPECT_EQ(expected.float_count, 0u);
      else
        EXPECT_GT(10 * expected.float_count, expected.quantized_count);  // zeros are both, and count as quantized
    }
  }
}

// ---- kernels ----

TEST(LossGradient, EqualsDifferences) {
  std::mt19937 random(3);
  for (const float norm : {1.1f, 2.0f, 2.4f}) {
    SCOPED_TRACE(fmt::format("norm {}", norm));
    for (int i = 0; i < 100; ++i) {
      const float target = random_values(random, 1)[0];
      const float distance = std::uniform_real_distribution<float>(0.2f, 3.0f)(random) * (i % 2 == 0 ? 1.0f : -1.0f);
      const float factor = 0.25f;
      const auto loss = [&](float y) {
        float ignored = 0;
        return kernels::norm_loss(&y, &target, &ignored, 1, norm, factor);
      };
      const float y = target + distance;
      const double exact_distance = static_cast<double>(y) - static_cast<double>(target);
      EXPECT_NEAR(loss(y), std::pow(std::abs(exact_distance), static_cast<double>(norm)), 1e-5 * loss(y));
      float gradient = 0;
      kernels::norm_loss(&y, &target, &gradient, 1, norm, factor);
      const float up = y + 0.01f, down = y - 0.01f;
      const double slope = (loss(up) - loss(down)) / static_cast<double>(up - down);
      EXPECT_NEAR(static_cast<double>(gradient), static_cast<double>(factor) * slope, 1e-3 * std::abs(slope));
    }
  }
}

/// Sums over blocks, whole and partial; each gradient is that of its element alone, and 0 where there is no distance.
TEST(LossGradient, OfManyElementsIsThatOfEach) {
  std::mt19937 random(4);
  for (const float norm : {1.1f, 2.0f, 2.4f})
    for (const std::size_t count : {std::size_t{1}, std::size_t{19}, std::size_t{4096}, std::size_t{9001}}) {
      const std::vector<float> y = random_values(random, count);
      std::vector<float> target = random_values(random, count), gradient(count);
      target[count / 2] = y[count / 2];
      const double total = kernels::norm_loss(y.data(), target.data(), gradient.data(), count, norm, 0.1f);
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const double distance = static_cast<double>(y[i]) - static_cast<double>(target[i]), p = norm;
        sum += std::pow(std::abs(distance), p);
        const double slope = 0.1 * p * std::pow(std::abs(distance), p - 1) * (distance < 0 ? -1 : 1);
        ASSERT_NEAR(static_cast<double>(gradient[i]), distance == 0 ? 0 : slope, 1e-5 * (0.01 + std::abs(slope)));
      }
      EXPECT_NEAR(total, sum, 1e-5 * sum);
    }
}

double rectified(double v) {
  return std::clamp(1.2 / (1 + std::exp(-v)) - 0.1, 0.0, 1.0);
}

TEST(SoftRounding, RectifiedSigmoidAndItsInverse) {
  for (float v = -8; v <= 8; v += 0.37f)
    EXPECT_NEAR(static_cast<double>(kernels::rectified_sigmoid(v)), rectified(static_cast<double>(v)), 2e-6) << v;
  for (float h = 0; h <= 1; h += 0.0625f)
    EXPECT_NEAR(static_cast<double>(kernels::rectified_sigmoid(kernels::inverse_rectified_sigmoid(h))),
                static_cast<double>(h), 2e-6);
}

/// A channel with weights inside the grid and beyond both ends.
struct RandomChannel {
  explicit RandomChannel(unsigned seed) : random(seed) {
    const std::size_t count = 5 + seed * 13 % 70;
    weight = random_values(random, count);
    rounding = random_values(random, count, 1.5f);
    gradient = random_values(random, count);
    channel = {count,
               weight.data(),
               rounding.data(),
               std::exp2(-static_cast<float>(seed % 3)),
               0.5f * (static_cast<float>(seed % 5) - 2),
               seed % 2 == 0 ? -2.0f : -8.0f,
               seed % 2 == 0 ? 1.0f : 7.0f};
  }

  double place(std::size_t i) const {
    return static_cast<double>(weight[i]) / static_cast<double>(channel.step) - static_cast<double>(channel.offset);
  }
  /// The value at another v, by the definition.
  double value(std::size_t i, double v) const {
    const double code = std::floor(place(i)) + rectified(v);
    return (std::clamp<double>(code, channel.low, channel.high) + static_cast<double>(channel.offset)) *
           static_cast<double>(channel.step);
  }

  std::mt19937 random;
  std::vector<float> weight, rounding, gradient;
  kernels::SoftChannel channel;
};

TEST(SoftRounding, GradientEqualsDifferences) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const RandomChannel of(seed);
    const std::size_t count = of.channel.count;
    std::vector<float> value(count), found(count);
    kernels::soft_weights(of.channel, value.data());
    const double power = 20 - 1.5 * seed, weight = seed % 4 == 0 ? 0.0 : 0.05;
    kernels::soft_weights_backward(of.channel, of.gradient.data(),
                                   {static_cast<float>(weight), static_cast<float>(power)}, found.data());
    for (std::size_t i = 0; i < count; ++i) {
      const double v = static_cast<double>(of.rounding[i]);
      ASSERT_NEAR(static_cast<double>(value[i]), of.value(i, v), 1e-5);
      constexpr double kStep = 1e-5;
      const auto objective = [&](double at) {
        return static_cast<double>(of.gradient[i]) * of.value(i, at) +
               weight * (1 - std::pow(std::abs(2 * rectified(at) - 1), power));
      };
      const double left = (objective(v) - objective(v - kStep)) / kStep,
                   right = (objective(v + kStep) - objective(v)) / kStep;
      if (std::abs(left - right) > 1e-3) continue;  // a kink
      EXPECT_NEAR(static_cast<double>(found[i]), (left + right) / 2, 1e-4 + 1e-4 * std::abs(left)) << "element " << i;
    }
  }
}

/// LSQ's gradient with regard to the step, whose rounding passes straight through: what is left of the value when the
/// weight's own place is taken away; a clipped code is times the step.
TEST(SoftRounding, StepGradientIsLsqs) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const RandomChannel of(seed);
    std::vector<float> ignored(of.channel.count);
    const float found = kernels::soft_weights_backward(of.channel, of.gradient.data(), {}, ignored.data());
    double expected = 0;
    for (std::size_t i = 0; i < of.channel.count; ++i) {
      const double code = std::floor(of.place(i)) + rectified(static_cast<double>(of.rounding[i]));
      const double clipped = std::clamp<double>(code, of.channel.low, of.channel.high);
      const double along = code == clipped ? clipped - of.place(i) : clipped + static_cast<double>(of.channel.offset);
      expected += static_cast<double>(of.gradient[i]) * along;
    }
    EXPECT_NEAR(static_cast<double>(found), expected, 1e-4 * (1 + std::abs(expected)));
  }
}

struct QuantizerCase {
  std::vector<float> step{0.25f, 0.5f, 1.0f}, inverse{4, 2, 1}, high{15, 15, 6}, six{6, 6, 6};
  kernels::Quantization q;
  QuantizerCase() {
    q.clamp_low = 0;
    q.clamp_high = six.data();
    q.enabled = true;
    q.seed = 7;
    q.period = 3;
    q.inverse = inverse.data();
    q.step = step.data();
    q.high = high.data();
  }
};

TEST(ActivationQuantizer, RoundsHalfUpAndClips) {
  const QuantizerCase of;
  const std::vector<float> z{-1, 0.75f, 2.5f, 0.125f, 7.5f, 9, 0.124f, 0.25f, 1.49f, 3.9f, 5.9f};
  std::vector<float> out(z.size());
  kernels::quantize(of.q, z.data(), out.data(), z.size());
  EXPECT_EQ(out, (std::vector<float>{0, 1.0f, 3, 0.25f, 6, 6, 0, 0.5f, 1, 3.75f, 6}));
}

TEST(ActivationQuantizer, StepGradientIsLsqs) {
  const QuantizerCase of;
  //                      below   inside  inside  inside  clamped  clamped, clipped high
  const std::vector<float> z{-1, 0.7f, 2.4f, 0.2f, 7.0f, 8.0f, 3.95f};
  std::vector<float> gradient{1, 2, 3, 4, 5, 6, 7};
  std::vector<float> steps(3);
  kernels::quantize_backward(of.q, z.data(), gradient.data(), steps.data(), z.size());
  // Inside: g * (code - v). Clipped: g * largest code (3.95 / 0.25 rounds to 16 > 15).
  EXPECT_NEAR(steps[0], 1 * 0.0 + 4 * (1 - 0.8) + 7 * 15, 1e-4);
  EXPECT_NEAR(steps[1], 2 * (1 - 1.4) + 5 * (12 - 12), 1e-5);
  EXPECT_NEAR(steps[2], 3 * (2 - 2.4) + 6 * (6 - 6), 1e-5);
  EXPECT_EQ(gradient, (std::vector<float>{0, 2, 3, 4, 0, 0, 0}));
}

TEST(ActivationQuantizer, DropsTheSameElementsForwardAndBackward) {
  QuantizerCase of;
  of.q.keep = static_cast<std::uint32_t>(0.3 * 4294967295.0);
  std::mt19937 random(8);
  std::vector<float> z(30'000);
  // Above every range: what is quantized is clipped, and only what is not passes its gradient on.
  of.high = {2, 2, 2};
  for (float& value : z) value = std::uniform_real_distribution<float>(4.0f, 5.5f)(random);
  std::vector<float> out(z.size()), gradient(z.size(), 1.0f), steps(3);
  kernels::quantize(of.q, z.data(), out.data(), z.size());
  kernels::quantize_backward(of.q, z.data(), gradient.data(), steps.data(), z.size());
  double quantized = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const bool dropped = out[i] == z[i];
    ASSERT_EQ(gradient[i], dropped ? 1.0f : 0.0f) << i;
    quantized += dropped ? 0 : 1;
  }
  EXPECT_NEAR(quantized / static_cast<double>(z.size()), 0.3, 0.02);
  EXPECT_NEAR(static_cast<double>(steps[0] + steps[1] + steps[2]), 2 * quantized, 1e-3);
  // Another seed, another choice.
  std::vector<float> other(z.size());
  of.q.seed = 8;
  kernels::quantize(of.q, z.data(), other.data(), z.size());
  EXPECT_NE(out, other);
}

TEST(ActivationQuantizer, MixesTwoInputs) {
  const std::vector<float> quantized(20'000, 1.0f), exact(20'000, 2.0f);
  std::vector<float> mixed(quantized.size());
  kernels::mix(quantized.data(), exact.data(), mixed.data(), mixed.size(),
               static_cast<std::uint32_t>(0.75 * 4294967295.0), 5);
  const auto ones = std::count(mixed.begin(), mixed.end(), 1.0f), twos = std::count(mixed.begin(), mixed.end(), 2.0f);
  EXPECT_EQ(ones + twos, 20'000);
  EXPECT_NEAR(static_cast<double>(ones) / 20'000, 0.75, 0.02);
}

TEST(Adam, TakesTheFirstStepsAsComputedByHand) {
  float value = 1, first = 0, second = 0;
  const float rate = 0.1f;
  // m = 0.05, v = 0.00025; corrected 0.5 and 0.25: 1 - 0.1 * 0.5 / 0.5
  float gradient = 0.5f;
  kernels::adam(&value, &gradient, &first, &second, 1, rate, 1);
  EXPECT_NEAR(value, 0.9f, 1e-6f);
  // m = 0.045 - 0.1 = -0.055, v = 0.00024975 + 0.001 = 0.00124975; corrected -0.289474 and 0.625188 (root 0.790688)
  gradient = -1;
  kernels::adam(&value, &gradient, &first, &second, 1, rate, 2);
  EXPECT_NEAR(first, -0.055f, 1e-7f);
  EXPECT_NEAR(second, 0.00124975f, 1e-7f);
  EXPECT_NEAR(value, 0.9f + 0.1f * 0.289474f / 0.790688f, 1e-5f);
}

TEST(Adam, EqualsItsDefinition) {
  std::mt19937 random(9);
  constexpr std::size_t kCount = 37;
  std::vector<float> value = random_values(random, kCount), first(kCount), second(kCount);
  std::vector<double> expected(value.begin(), value.end()), m(kCount), v(kCount);
  for (int step = 1; step <= 200; ++step) {
    const std::vector<float> gradient = random_values(random, kCount, step % 7 == 0 ? 1e-6f : 0.1f);
    kernels::adam(value.data(), gradient.data(), first.data(), second.data(), kCount, 0.01f, step);
    for (std::size_t i = 0; i < kCount; ++i) {
      const double g = static_cast<double>(gradient[i]);
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      expected[i] -= 0.01 * (m[i] / (1 - std::pow(0.9, step))) / (std::sqrt(v[i] / (1 - std::pow(0.999, step))) + 1e-8);
    }
  }
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_NEAR(static_cast<double>(value[i]), expected[i], 1e-4);
}

}  // namespace
}  // namespace shiftsim::quantizer
