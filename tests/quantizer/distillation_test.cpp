// What distillation is made of: the divergence of two outputs, latent weights, soft rounding, batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "quantizer/learn/distillation.h"
#include "quantizer/learn/divergence.h"
#include "quantizer/learn/latent_weights.h"

namespace shiftsim::quantizer {
namespace {

TEST(Divergence, IsZeroOnlyForTheSameProbabilities) {
  const std::vector<float> a{1, 2, 3}, shifted{11, 12, 13}, other{3, 2, 1};
  for (const double temperature : {1.0, 4.0}) {
    EXPECT_NEAR(divergence(shifted.data(), a.data(), nullptr, 3, temperature, 1), 0, 1e-9);
    EXPECT_GT(divergence(other.data(), a.data(), nullptr, 3, temperature, 1), 0.1);
  }
  // By hand: p = (1/2, 1/2), q = (1/4, 3/4): 0.5 ln 2 + 0.5 ln(2/3).
  const std::vector<float> even{0, 0}, uneven{0, std::log(3.0f)};
  EXPECT_NEAR(divergence(uneven.data(), even.data(), nullptr, 2, 1, 1), 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3.0),
              1e-6);
}

TEST(Divergence, OfAMapIsTheMeanOverItsPixels) {
  const std::vector<float> wanted{1, 2, 3, 0, 1, 0}, found{3, 2, 1, 0, 0, 1};
  std::vector<float> gradient(6), one(3), other(3);
  const double first = divergence(found.data(), wanted.data(), one.data(), 3, 2, 0.5);
  const double second = divergence(found.data() + 3, wanted.data() + 3, other.data(), 3, 2, 0.5);
  EXPECT_NEAR(output_divergence(found.data(), wanted.data(), gradient.data(), {3, 1, 2}, 2, 1), (first + second) / 2,
              1e-9);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(gradient[c], one[c]);
    EXPECT_FLOAT_EQ(gradient[3 + c], other[c]);
  }
  // One channel: half the squared difference of 2 pixels, (0.5 * 4 + 0.5 * 0) / 2.
  EXPECT_NEAR(output_divergence(found.data(), wanted.data(), gradient.data(), {1, 1, 2}, 1, 1), 1, 1e-9);
  EXPECT_FLOAT_EQ(gradient[0], 1);
  EXPECT_FLOAT_EQ(gradient[1], 0);
}

TEST(Divergence, DoesNotOverflow) {
  const std::vector<float> one{1000, 0}, other{0, 0};
  EXPECT_NEAR(divergence(one.data(), other.data(), nullptr, 2, 1, 1), 500 - std::log(2.0), 1e-3);
}

TEST(Divergence, GradientIsTheSlope) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0f, 3.0f);
    const std::size_t classes = 2 + seed;
    const double temperature = seed % 2 == 0 ? 1 : 4;
    std::vector<float> logits(classes), target(classes), gradient(classes);
    for (auto* list : {&logits, &target})
      for (float& value : *list) value = normal(random);
    divergence(logits.data(), target.data(), gradient.data(), classes, temperature, 0.5);
    for (std::size_t c = 0; c < classes; ++c) {
      constexpr float kStep = 0.01f;
      std::vector<float> up = logits, down = logits;
      up[c] += kStep;
      down[c] -= kStep;
      const double slope = (divergence(up.data(), target.data(), nullptr, classes, temperature, 1) -
                            divergence(down.data(), target.data(), nullptr, classes, temperature, 1)) /
                           static_cast<double>(up[c] - down[c]);
      EXPECT_NEAR(static_cast<double>(gradient[c]), 0.5 * slope, 1e-3);
    }
  }
}

TEST(LatentWeights, StartAtTheirIntegersAndNearTheFloatWeight) {
  const WeightQuantizer quantizer{2, -3, 1};  // integer weights -2..1, values (integer weight + 1/2) / 8
  for (float weight = -0.5f; weight <= 0.5f; weight += 0.01f) {
    for (int integer = -2; integer <= 1; ++integer) {
      const float latent = start_latent(weight, quantizer, integer);
      std::int8_t found = 0;
      round_latent(LatentChannel::of(quantizer, 1), &latent, &found);
      EXPECT_EQ(found, integer) << weight;
      float value = 0;
      latent_values(LatentChannel::of(quantizer, 1), &latent, &value);
      EXPECT_EQ(static_cast<double>(value), quantizer.value(integer));
      const double own = static_cast<double>(weight) / quantizer.step() - 0.5;  // where the float weight itself stands
      EXPECT_NEAR(static_cast<double>(latent), std::clamp(own, integer - 0.25, integer + 0.25), 1e-5);
    }
  }
  std::vector<float> latents{-100, -2.2f, 0.3f, 100};
  keep_in_range(LatentChannel::of(quantizer, latents.size()), latents.data());
  EXPECT_EQ(latents, (std::vector<float>{-2.49f, -2.2f, 0.3f, 1.49f}));
}

TEST(SoftRounding, MeetsTheIntegersAndRisesBetweenThem) {
  const WeightQuantizer quantizer{2, -3, 1};
  const LatentChannel one = LatentChannel::of(quantizer, 1);
  for (const float slope : {0.5f, 4.0f, 60.0f}) {
    const SoftRounding rounding{slope};
    float previous = -1000;
    for (int eighth = -30; eighth <= 30; ++eighth) {
      const float latent = static_cast<float>(eighth) * 0.125f;
      float value = 0;
      rounding.values(one, &latent, &value);
      EXPECT_GE(value, previous) << latent;
      previous = value;
      const int integer = std::clamp(eighth / 8, -2, 1);
      if (eighth % 8 == 0) {
        EXPECT_NEAR(static_cast<double>(value), quantizer.value(integer), 1e-6) << latent;
      }
    }
  }
}

TEST(SoftRounding, BecomesRounding) {
  const LatentChannel one = LatentChannel::of({4, 0, 0}, 1);
  for (float latent = -8; latent <= 7; latent += 0.05f) {
    if (std::abs(latent - std::floor(latent) - 0.5f) < 0.15f) continue;
    float soft = 0, hard = 0;
    SoftRounding{60}.values(one, &latent, &soft);
    latent_values(one, &latent, &hard);
    EXPECT_NEAR(soft, hard, 1e-3) << latent;
  }
  const float between = 0.25f;
  float soft = 0;
  SoftRounding{0.1f}.values(one, &between, &soft);
  EXPECT_NEAR(soft, 0.25f, 1e-3) << "nearly straight";
}

TEST(SoftRounding, HardensWhileItLearns) {
  for (const double first : {4.0, 8.0}) {
    const auto slope = [&](double done) { return SoftRounding::at(done, first).slope; };
    EXPECT_FLOAT_EQ(slope(0), static_cast<float>(first));
    EXPECT_FLOAT_EQ(slope(1), SoftRounding::kLastSlope);
    EXPECT_FLOAT_EQ(slope(0.9), SoftRounding::kLastSlope);
    const float factor = slope(0.1) / slope(0);
    EXPECT_GT(factor, 1);
    for (int i = 1; i < 8; ++i) EXPECT_NEAR(slope(0.1 * (i + 1)) / slope(0.1 * i), factor, 1e-4) << i;
  }
}

TEST(SoftRounding, GradientIsTheSlope) {
  const LatentChannel one = LatentChannel::of({4, -2, 3}, 1);
  for (const float slope : {2.0f, 8.0f, 30.0f}) {
    for (float latent = -7.9f; latent < 7; latent += 0.173f) {
      constexpr float kStep = 1e-3f;
      const float up = latent + kStep, down = latent - kStep;
      if (std::floor(up) != std::floor(down)) continue;  // a kink
      float above = 0, below = 0, gradient = 1;
      SoftRounding{slope}.values(one, &up, &above);
      SoftRounding{slope}.values(one, &down, &below);
      SoftRounding{slope}.backward(one, &latent, &gradient);
      EXPECT_NEAR(gradient, (above - below) / one.step / (up - down), 0.01 + 0.01 * static_cast<double>(gradient))
          << latent;
    }
  }
}

}  // namespace
}  // namespace shiftsim::quantizer
