// Integer weights by the error of the output: the moments are those of the windows, and no single weight can be moved
// for better.
#include "quantizer/search/integer_weight_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace shiftsim::quantizer {
namespace {

std::vector<float> random_values(std::mt19937& random, std::size_t count) {
  std::normal_distribution<float> normal(0.0f, 1.0f);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// d' M d
double quadratic(std::span<const float> moments, std::span<const float> d) {
  double sum = 0;
  for (std::size_t i = 0; i < d.size(); ++i)
    for (std::size_t j = 0; j < d.size(); ++j)
      sum += static_cast<double>(moments[i * d.size() + j]) * static_cast<double>(d[i]) * static_cast<double>(d[j]);
  return sum;
}

std::vector<float> errors(std::span<const float> weights, const WeightQuantizer& quantizer,
                          std::span<const std::int8_t> integer_weights) {
  std::vector<float> d;
  for (std::size_t i = 0; i < weights.size(); ++i)
    d.push_back(static_cast<float>(quantizer.value(integer_weights[i]) - static_cast<double>(weights[i])));
  return d;
}

TEST(WindowMoments, GiveTheErrorOfTheOutput) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto draw = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    const int groups = draw(1, 3), stride = draw(1, 2), dilation = draw(1, 2), pad = draw(0, 2);
    const int kernel_h = draw(1, 3), kernel_w = draw(1, 3);
    const Window window{kernel_h, kernel_w, stride, stride, dilation, dilation, pad, 1, 0, pad};
    const Shape in{groups * draw(1, 3), 9, 8};
    const ConvGeometry geometry{in, {groups * 2, window.out_height(9), window.out_width(8)}, window, groups};
    constexpr std::size_t kImages = 3;
    const std::vector<float> input = random_values(random, kImages * in.size());
    const std::vector<float> weights = random_values(random, geometry.weight_count());
    ConvOp op(geometry, kImages);
    op.set_weights(weights, std::vector<float>(static_cast<std::size_t>(groups) * 2));
    std::vector<float> output(kImages * geometry.output.size());
    ConvScratch scratch;
    op.forward(input.data(), output.data(), kImages, scratch);
    const auto channels = static_cast<std::size_t>(groups) * 2;
    for (const bool centred : {false, true}) {
      const WindowMoments moments = window_moments(geometry, input.data(), kImages, centred, 1 << 20);
      const std::size_t fan = moments.fan();
      ASSERT_EQ(fan * channels, weights.size());
      for (std::size_t k = 0; k < channels; ++k) {
        double sum = 0, squares = 0, count = 0;
        for (std::size_t i = k; i < output.size(); i += channels, ++count) {
          sum += static_cast<double>(output[i]);
          squares += static_cast<double>(output[i]) * static_cast<double>(output[i]);
        }
        const double wanted = squares / count - (centred ? sum / count * sum / count : 0);
        const auto of = moments.of_group(k / 2).values;
        // A hundredth of the mean variance was added to each: taken off again here.
        double trace = 0, norm = 0;
        for (std::size_t i = 0; i < fan; ++i) {
          trace += static_cast<double>(of[i * fan + i]);
          norm += static_cast<double>(weights[k * fan + i]) * static_cast<double>(weights[k * fan + i]);
        }
        const double added = 0.01 / 1.01 * trace / static_cast<double>(fan) * norm;
        EXPECT_NEAR(quadratic(of, std::span(weights).subspan(k * fan, fan)) - added, wanted, 1e-3 * (1 + wanted));
      }
    }
  }
}

TEST(IntegerWeightSearch, EndsWhereNoSingleWeightCanBeMovedForBetter) {
  int better = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::size_t fan = 6 + seed % 12;
    const int bits = seed % 2 == 0 ? 2 : 4;
    // Inputs that go together: one common part and little of their own.
    std::vector<float> moments(fan * fan, 1.0f);
    for (std::size_t i = 0; i < fan; ++i) moments[i * fan + i] = 1.2f;
    const std::vector<float> weights = random_values(random, fan);
    const WeightQuantizer quantizer = search_quantizer(weights, {bits, true, 2.4});
    const std::vector<std::int8_t> nearest = nearest_integer_weights(weights, quantizer);
    const double before = quadratic(moments, errors(weights, quantizer, nearest));
    const ChannelIntegers found = descend(weights, quantizer, WindowMoments(fan, moments).of_group(0), nearest);
    const double after = quadratic(moments, errors(weights, quantizer, found.integer_weights));
    EXPECT_NEAR(found.error, after, 1e-4 * (1 + after));
    EXPECT_LE(after, before * (1 + 1e-6) + 1e-9);
    better += after < 0.9 * before ? 1 : 0;
    for (std::size_t i = 0; i < fan; ++i)
      for (int integer = quantizer.low(); integer <= quantizer.high(); ++integer) {
        std::vector<std::int8_t> other = found.integer_weights;
        other[i] = static_cast<std::int8_t>(integer);
        EXPECT_GE(quadratic(moments, errors(weights, quantizer, other)), after - 1e-4 * (1 + after));
      }
  }
  EXPECT_GT(better, 12);
}

TEST(IntegerWeightSearch, DecodesTheBestThereAre) {
  int better = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const int bits = seed % 2 == 0 ? 2 : 4;
    const std::size_t fan = bits == 2 ? 1 + seed % 7 : 1 + seed % 4;
    // Second moments of a few more samples than weights, most of them common to all.
    std::vector<float> moments(fan * fan, 0.0f);
    for (std::size_t s = 0; s < fan + 3; ++s) {
      std::vector<float> sample = random_values(random, fan + 1);
      for (std::size_t i = 0; i < fan; ++i) sample[i] = 0.4f * sample[i] + 2 * sample[fan];
      for (std::size_t i = 0; i < fan; ++i)
        for (std::size_t j = 0; j < fan; ++j) moments[i * fan + j] += sample[i] * sample[j];
    }
    const std::vector<float> weights = random_values(random, fan);
    const WeightQuantizer quantizer = search_quantizer(weights, {bits, true, 2.4});
    constexpr std::size_t kSteps = 1'000'000;
    const WindowMoments all(fan, moments);
    const GroupMoments group = all.of_group(0);
    const auto found = decode(weights, quantizer, group, 1e30, kSteps);
    ASSERT_TRUE(found);
    // Every combination of integer weights.
    std::vector<std::int8_t> integer_weights(fan, static_cast<std::int8_t>(quantizer.low()));
    double least = std::numeric_limits<double>::infinity();
    for (bool more = true; more;) {
      least = std::min(least, quadratic(moments, errors(weights, quantizer, integer_weights)));
      std::size_t i = 0;
      while (i < fan && integer_weights[i] == quantizer.high())
        integer_weights[i++] = static_cast<std::int8_t>(quantizer.low());
      if (i < fan) ++integer_weights[i];
      more = i < fan;
    }
    EXPECT_NEAR(quadratic(moments, errors(weights, quantizer, found->integer_weights)), least, 1e-4 * least);
    EXPECT_NEAR(found->error, least, 1e-4 * least);
    EXPECT_FALSE(decode(weights, quantizer, group, 0.999 * found->error, kSteps));
    EXPECT_TRUE(decode(weights, quantizer, group, 1.001 * found->error, kSteps));
    const double one_by_one = descend(weights, quantizer, group, nearest_integer_weights(weights, quantizer)).error;
    EXPECT_LE(found->error, one_by_one * (1 + 1e-4));
    better += found->error < 0.9 * one_by_one ? 1 : 0;
    // Out of steps it ends with what it has: the first integer weights it comes to, or none.
    EXPECT_FALSE(decode(weights, quantizer, group, 1e30, fan - 1));
    EXPECT_TRUE(decode(weights, quantizer, group, 1e30, fan));
  }
  EXPECT_GT(better, 10);
}

TEST(IntegerWeightSearch, TakesTheBestLegalQuantizer) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    constexpr std::size_t kFan = 9;
    const std::vector<float> weights = random_values(random, kFan);
    std::vector<float> values(kFan * kFan, 0.8f);
    for (std::size_t i = 0; i < kFan; ++i) values[i * kFan + i] = 1;
    const WindowMoments owner(kFan, values);
    const GroupMoments moments = owner.of_group(0);
    const WeightSearch search{2, true, 2.4};
    const auto all = [](const WeightQuantizer&, auto) { return true; };
    const ChannelIntegers best = search_integer_weights(weights, search, moments, all);
    for (const WeightQuantizer& quantizer : best_quantizers(weights, search, 1000))
      EXPECT_FALSE(decode(weights, quantizer, moments, best.error * (1 - 1e-4), 1'000'000));
    const ChannelIntegers other =
        search_integer_weights(weights, search, moments, [&](const WeightQuantizer& quantizer, auto integer_weights) {
          EXPECT_EQ(integer_weights.size(), kFan);
          return quantizer.offset == 0;
        });
    EXPECT_EQ(other.quantizer.offset, 0);
    EXPECT_GE(other.error, best.error);
    EXPECT_TRUE(search_integer_weights(weights, search, moments, [](const WeightQuantizer&, auto) {
                  return false;
                }).integer_weights.empty());
    EXPECT_TRUE(search_integer_weights(std::vector<float>(kFan), search, moments, all).integer_weights.empty());
  }
}

TEST(IntegerWeightSearch, StartsFromTheNearestAndFromBabaisPoint) {
  int nearest_better = 0, first_better = 0;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    constexpr std::size_t kFan = 24;  // too many for the best there are
    const std::vector<float> weights = random_values(random, kFan);
    std::vector<float> values(kFan * kFan);
    for (std::size_t i = 0; i < kFan; ++i)
      for (std::size_t j = 0; j < kFan; ++j)
        values[i * kFan + j] = std::pow(0.6f, static_cast<float>(i > j ? i - j : j - i));
    const WindowMoments owner(kFan, values);
    const GroupMoments moments = owner.of_group(0);
    const WeightSearch search{2, true, 2.4};
    double nearest = 1e30, first = 1e30;
    for (const WeightQuantizer& quantizer : best_quantizers(weights, search, 1000)) {
      nearest =
          std::min(nearest, descend(weights, quantizer, moments, nearest_integer_weights(weights, quantizer)).error);
      first = std::min(
          first,
          descend(weights, quantizer, moments, decode(weights, quantizer, moments, 1e30, kFan)->integer_weights).error);
    }
    const double found =
        search_integer_weights(weights, search, moments, [](const WeightQuantizer&, auto) { return true; }).error;
    EXPECT_EQ(found, std::min(nearest, first));
    (first < nearest ? first_better : nearest_better) += 1;
  }
  EXPECT_GT(first_better, 3);
  EXPECT_GT(nearest_better, 3);
}

TEST(BestQuantizers, AreInOrderAndBeginWithTheSearchs) {
  std::mt19937 random(3);
  for (const int bits : {2, 4}) {
    const std::vector<float> weights = random_values(random, 40);
    const WeightSearch search{bits, true, 2.4};
    const std::vector<WeightQuantizer> quantizers = best_quantizers(weights, search, 5);
    ASSERT_EQ(quantizers.size(), 5u);
    EXPECT_NEAR(quantization_error(weights, quantizers[0], 2.4),
                quantization_error(weights, search_quantizer(weights, search), 2.4), 1e-9);
    for (std::size_t i = 1; i < quantizers.size(); ++i)
      EXPECT_LE(quantization_error(weights, quantizers[i - 1], 2.4), quantization_error(weights, quantizers[i], 2.4));
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
