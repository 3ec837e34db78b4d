// Gradients through a unit of many layers against central differences of its own forward pass; what passes "straight
// through" a rounding has no such differences and is checked against the formula that defines it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "quantizer/learn/unit_model.h"
#include "tests/quantizer/differences.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

double silu_in_double(double x) {
  return x / (1 + std::exp(-x));
}

/// x * sigmoid(x): it falls, and rises.
ScalarFunction silu() {
  return ScalarFunction::input() * ScalarFunction::apply(ScalarOp::kSigmoid, ScalarFunction::input());
}

constexpr auto kNone = qnet::Activation::kNone;
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
  qnet::ViewGeometry repeated;
  repeated.upsample_h = 2;
  const int shown = builder.view(b1, sum, {9, 0, 3, 15, 3, 8}, repeated);
  const int mixed = builder.conv(shown, ConvOptions::same(8, 1, 1, 1, kNone));
  // A map below another one, without its first row and column.
  qnet::ViewGeometry below;
  below.join = qnet::JoinAxis::kHeight;
  below.crop_top = below.crop_left = 1;
  const int stacked = builder.view(mixed, builder.function(mixed, silu()), {0, 1, 2, 3, 4, 5, 6, 7}, below);
  const int total = builder.sum_pool(stacked);
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
          const qnet::PixelSource at = view.geometry.source(y, x, in.height, in.width);
          const bool joined = at.is_joined || k >= in.channels;
          const Shape& of = joined ? view.joined : in;
          const int pixel = (image * of.height + at.y) * of.width + at.x;
          const int channel = joined && !at.is_joined ? k - in.channels : k;
          use(out++, joined, static_cast<std::size_t>(pixel * of.channels + channel));
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

}  // namespace
}  // namespace shiftsim::quantizer
