// The kernels of reconstruction: loss, soft rounding, activation quantizers and Adam against their definitions.
#include "quantizer/kernels/learning_kernels.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/quantizer/differences.h"

namespace shiftsim::quantizer {
namespace {

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

/// A channel with weights inside the quantizer's range and beyond both ends.
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
