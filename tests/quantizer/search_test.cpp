// Weight quantizers and activation exponents: the search finds what brute force over a wider range finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "common/error.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/kernels/calibration_kernels.h"
#include "quantizer/recipe/image_roles.h"
#include "quantizer/search/activation_search.h"
#include "quantizer/search/weight_search.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

/// |w - Q(w)|^norm summed, from the quantizer's levels alone: the nearest of them.
double error_by_levels(const std::vector<float>& weights, int bits, int exponent, int offset, double norm) {
  double sum = 0;
  for (const float weight : weights) {
    double nearest = 1e300;
    for (int q = -(1 << (bits - 1)); q < 1 << (bits - 1); ++q)
      nearest = std::min(nearest, std::abs(weight - (q + offset / 2.0) * std::pow(2.0, exponent)));
    sum += std::pow(nearest, norm);
  }
  return sum;
}

std::vector<float> random_weights(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(seed % 3 == 0 ? 0.2f : 0.0f, 1);
  const float scale = std::exp2(static_cast<float>(static_cast<int>(seed % 41) - 20));
  std::vector<float> weights(count);
  for (float& weight : weights) weight = normal(random) * scale * (seed % 5 == 0 && random() % 8 == 0 ? 6.0f : 1.0f);
  return weights;
}

TEST(WeightSearch, FindsTheOptimumOverAllExponentsAndOffsets) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    const auto weights = random_weights(seed, 3 + seed % 70);
    for (const int bits : {2, 4, 8}) {
      const WeightSearch search{bits, bits < 8, 2.4};
      const WeightQuantizer quantizer = search_quantizer(weights, search);
      double least = 1e300;
      float largest = 0;
      for (const float weight : weights) largest = std::max(largest, std::abs(weight));
      const int top = static_cast<int>(std::ceil(std::log2(largest)));
      for (int exponent = top - 14; exponent <= top + 5; ++exponent)
        for (int offset = search.offsets ? -8 : 0; offset <= (search.offsets ? 7 : 0); ++offset)
          least = std::min(least, error_by_levels(weights, bits, exponent, offset, 2.4));
      const double found = error_by_levels(weights, bits, quantizer.exponent, quantizer.offset, 2.4);
      EXPECT_LE(found, least * (1 + 1e-9)) << "seed " << seed << " bits " << bits;
      EXPECT_NEAR(quantization_error(weights, quantizer, 2.4), found, 1e-9 * found + 1e-300);
      if (bits == 8) {
        EXPECT_EQ(quantizer.offset, 0);
      }
    }
  }
}

TEST(WeightSearch, RoundsHalfUpAndClamps) {
  const WeightQuantizer quantizer{4, -1, 0};  // steps of 0.5
  EXPECT_EQ(quantizer.quantize(0.25), 1);
  EXPECT_EQ(quantizer.quantize(-0.25), 0);
  EXPECT_EQ(quantizer.quantize(-0.75), -1);
  EXPECT_EQ(quantizer.quantize(100), 7);
  EXPECT_EQ(quantizer.quantize(-100), -8);
  const WeightQuantizer mid_rise{2, 0, 1};  // -1.5, -0.5, 0.5, 1.5
  EXPECT_EQ(mid_rise.value(mid_rise.quantize(0.4)), 0.5);
  EXPECT_EQ(mid_rise.value(mid_rise.quantize(-9)), -1.5);
}

TEST(WeightSearch, WeightsAtItsLevelsAreExact) {
  // Ones, as in copies and 2x2 averages, need no offset.
  const WeightQuantizer ones = search_quantizer(std::vector<float>(9, 1.0f), {2, true, 2.4});
  EXPECT_EQ(ones.offset, 0);
  EXPECT_EQ(ones.value(ones.quantize(1)), 1);
  const std::vector<float> mid_rise{-0.75f, -0.25f, 0.25f, 0.75f};
  EXPECT_EQ(quantization_error(mid_rise, search_quantizer(mid_rise, {2, true, 2.4}), 2.4), 0);
}

TEST(WeightSearch, TakesTheBestThatIsAllowed) {
  const auto weights = random_weights(7, 40);
  const WeightQuantizer free = search_quantizer(weights, {4, true, 2.4});
  const WeightQuantizer coarse = search_quantizer(
      weights, {4, true, 2.4}, [&](const WeightQuantizer& g) { return g.exponent > free.exponent + 1; });
  EXPECT_GT(coarse.exponent, free.exponent + 1);
  EXPECT_EQ(
      search_quantizer(weights, {4, true, 2.4}, [](const WeightQuantizer& g) { return g.exponent == 30; }).exponent,
      30);
  EXPECT_EQ(search_quantizer(std::vector<float>(5, 0.0f), {4, true, 2.4},
                             [](const WeightQuantizer& g) { return g.exponent == 3; })
                .exponent,
            3);
  EXPECT_THROW(search_quantizer(weights, {4, true, 2.4}, [](const WeightQuantizer&) { return false; }),
               NoLegalQuantizer);
}

TEST(ActivationSearch, IsNearTheExactOptimum) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const bool is_signed = seed % 2 == 0;
    std::vector<float> values(5000);
    for (float& value : values) value = is_signed ? normal(random) : std::max(0.0f, 3 * normal(random));
    for (const int bits : {2, 4, 8}) {
      const ActivationRange range{bits, is_signed, {}};
      const auto exact = [&](int exponent) {
        double sum = 0;
        for (const float value : values)
          sum += std::pow(std::abs(value - std::ldexp(range.quantize(value, exponent), exponent)), 2.4);
        return sum;
      };
      double least = 1e300;
      for (int exponent = -15; exponent <= 8; ++exponent) least = std::min(least, exact(exponent));
      const int found = search_activation_exponent(Histogram(values), range, 2.4);
      EXPECT_LE(exact(found), least * 1.01) << "seed " << seed << " bits " << bits;
    }
  }
}

TEST(ActivationSearch, KnowsRelu6AndSilence) {
  const ActivationRange range{8, false, {6}};
  EXPECT_EQ(range.high(-5), 192);
  EXPECT_EQ(range.high(-6), 255);  // 6 does not fit
  EXPECT_EQ(range.quantize(7.0, -5), 192);
  EXPECT_EQ(search_activation_exponent(Histogram(std::vector<float>(10, 0.0f)), range, 2.4, -3), -3);
}

/// Errors tell all bins apart at a step that is no bin's.
void expect_same(const Histogram& a, const Histogram& b) {
  const ActivationRange range{4, true, {}};
  EXPECT_EQ(a.largest(), b.largest());
  for (const double step : {0.037, 0.3, 1.7}) EXPECT_EQ(a.error(range, step, 2.4), b.error(range, step, 2.4));
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = std::max(normal(random), -0.5f);
  return values;
}

TEST(ActivationSearch, HistogramsOfChannels) {
  constexpr std::size_t kChannels = 7, kFirst = 2, kCount = 4;
  const std::vector<float> values = random_values(kChannels * 1000, 3);
  for (const std::size_t step : {1, 3}) {
    const auto found = channel_histograms({values, kChannels, step}, kFirst, kCount);
    ASSERT_EQ(found.size(), kCount);
    for (std::size_t k = 0; k < kCount; ++k) {
      std::vector<float> own;
      for (std::size_t i = kFirst + k; i < values.size(); i += kChannels * step) own.push_back(values[i]);
      expect_same(found[k], Histogram(own));
    }
  }
}

TEST(ActivationSearch, HistogramsOfSeveralThreads) {
  constexpr std::size_t kChannels = 7;
  const std::vector<float> values = random_values(kChannels * 1003, 4);
  ThreadPool workers(3);
  for (const std::size_t step : {1, 5}) {
    std::vector<float> seen;
    for (std::size_t pixel = 0; pixel < 1003; pixel += step)
      for (std::size_t c = 0; c < kChannels; ++c) seen.push_back(values[pixel * kChannels + c]);
    expect_same(Histogram({values, kChannels, step}, workers), Histogram(seen));
  }
  expect_same(Histogram({}, workers), Histogram(std::span<const float>()));
}

TEST(CalibrationKernels, SumClampedChannels) {
  constexpr std::size_t kChannels = 23, kPixels = 50;
  const std::vector<float> values = random_values(kChannels * kPixels, 5), shift = random_values(kChannels, 6);
  std::vector<float> high(kChannels);
  for (std::size_t c = 0; c < kChannels; ++c) high[c] = 0.1f * static_cast<float>(c);
  for (const std::size_t first : {std::size_t{0}, std::size_t{16}}) {
    const std::size_t count = std::min(kernels::kChannelGroup, kChannels - first);
    std::vector<double> sums(count);
    kernels::clamped_sums({values.data() + first, kPixels, kChannels, count}, shift.data() + first, 0,
                          high.data() + first, sums.data());
    for (std::size_t k = 0; k < count; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < kPixels; ++i)
        sum += static_cast<double>(
            std::clamp(values[i * kChannels + first + k] + shift[first + k], 0.0f, high[first + k]));
      EXPECT_EQ(sums[k], sum) << "channel " << first + k;
    }
  }
}

TEST(CalibrationKernels, RoundHalfUpAndClip) {
  std::vector<float> values{0.25f, -0.25f, -0.3f, 0.75f, 9, -9, 0.24f};
  const std::vector<float> step{0.5f, 0.25f}, inverse{2, 4};
  kernels::round_in_place(values.data(), values.size(), step.data(), inverse.data(), 2, -4, 3);
  EXPECT_EQ(values, (std::vector<float>{0.5f, -0.25f, -0.5f, 0.75f, 1.5f, -1, 0}));
}

TEST(CalibrationKernels, SignalAndNoise) {
  const std::vector<float> x = random_values(1003, 7), y = random_values(1003, 8);
  const kernels::SignalAndNoise found = kernels::signal_and_noise(x.data(), y.data(), x.size());
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = x[i], error = value - static_cast<double>(y[i]);
    signal += value * value;
    noise += error * error;
  }
  EXPECT_NEAR(found.signal, signal, 1e-9 * signal);
  EXPECT_NEAR(found.noise, noise, 1e-9 * noise);
}

/// More pixels than statistics look at: what they find has to hold for all.
TEST(Calibration, LooksAtASampleOfLargeTensors) {
  constexpr int kSide = 1100;
  UnitBuilder builder({1, kSide, kSide}, 1, 2, 4);
  builder.conv(0, ConvOptions::same(2, 3, 1, 1, qnet::Activation::kNone));  // one step corrects its means
  const Plan& plan = builder.plan();
  ImageSet images{1, kSide, kSide, 1, {}, {}};
  std::mt19937 random(9);
  images.pixels.resize(images.image_size());
  // Not the same everywhere: the first half of it tells nothing of the second.
  for (std::size_t i = 0; i < images.pixels.size(); ++i)
    images.pixels[i] = static_cast<std::uint8_t>(random() % (2 * i < images.pixels.size() ? 4 : 40));
  ThreadPool workers(2);
  MemoryBudget budget(std::size_t{1} << 30);
  ActivationMemory memory(budget, "/tmp");
  const Recipe recipe;
  QuantizedNetwork network = undecided(plan);
  Calibrator calibrator(network, recipe, workers, memory);
  calibrator.load(images, {0});
  calibrator.run(0, {true, true, false});
  const auto quantized = calibrator.quantized(1).values(), exact = calibrator.reference(1).values();
  ASSERT_GT(exact.size() / 2, std::size_t{1} << 20);
  for (std::size_t c = 0; c < 2; ++c) {
    double error = 0, power = 0, count = 0;
    for (std::size_t i = c; i < exact.size(); i += 2) {
      const double difference = static_cast<double>(quantized[i]) - static_cast<double>(exact[i]);
      error += difference;
      power += difference * difference;
      count += 1;
    }
    // Two-bit weights leave noise, of which the mean over a sample tells that over all within its standard error.
    EXPECT_GT(power, 0);
    EXPECT_LT(std::abs(error / count), 0.01 * std::sqrt(power / count)) << "channel " << c;
  }
  const int found = network.exponents[1].front();
  EXPECT_EQ(found, search_activation_exponent(Histogram(exact), plan.tensor(1).range, recipe.norm));
}

TEST(Calibration, ChoosesImagesBySeed) {
  const auto chosen = choose_images(1000, 50, 7);
  EXPECT_EQ(chosen.size(), 50u);
  EXPECT_EQ(chosen, choose_images(1000, 50, 7));
  EXPECT_NE(chosen, choose_images(1000, 50, 8));
  auto sorted = chosen;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
  EXPECT_LT(sorted.back(), 1000u);
  auto all = choose_images(3, 50, 1);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<std::size_t>{0, 1, 2}));
  // A smaller draw begins a larger one, also where the larger one takes all.
  for (const std::size_t more : {100u, 1000u}) {
    const auto larger = choose_images(1000, more, 7);
    EXPECT_TRUE(std::equal(chosen.begin(), chosen.end(), larger.begin()));
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
