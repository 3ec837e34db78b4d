// Loops that are compiled for several instruction sets: integers are the same with each of them, floats nearly so, as
// some sets round once for a product and its sum. Each set is taken in a process of its own, as a program reads its
// choice once.
#include "common/simd.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/forked.h"
#include "quantizer/calibrate/alignment_noise.h"
#include "quantizer/kernels/calibration_kernels.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/latent_weights.h"
#include "sim/core/array_kernel.h"

namespace shiftsim {
namespace {

using namespace quantizer;
using Floats = std::vector<float>;

constexpr const char* kVariable = "SHIFTSIM_SIMD";
constexpr std::size_t kCount = 1237;  // whole vectors of all sets, and a rest

Floats random_floats(unsigned seed, float low = -3, float high = 3, std::size_t count = kCount) {
  std::mt19937 random(seed);
  Floats values(count);
  for (float& value : values) value = low + (high - low) * static_cast<float>(random() >> 8) * 0x1p-24f;
  return values;
}

/// What loops gave, as bytes of doubles, which hold floats and 32-bit integers exactly.
template <typename T>
std::string bytes(const std::vector<T>& values) {
  const std::vector<double> wide(values.begin(), values.end());
  return {reinterpret_cast<const char*>(wide.data()), wide.size() * sizeof(double)};
}

template <typename T>
std::string bytes(T value) {
  return bytes(std::vector<T>{value});
}

std::vector<double> doubles(const std::string& bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// A quantizer of two channels in short rows.
struct TwoChannels {
  static constexpr std::size_t kPeriod = 32;
  Floats clamp_high = Floats(kPeriod, 2.5f), step = Floats(kPeriod), inverse = Floats(kPeriod),
         high = Floats(kPeriod, 7);
  kernels::Quantization quantization;

  TwoChannels(bool enabled, std::uint32_t keep) {
    for (std::size_t i = 0; i < kPeriod; ++i) {
      step[i] = i % 2 == 0 ? 0.25f : 0.5f;
      inverse[i] = 1 / step[i];
    }
    quantization = {.clamp_low = -2.25f,
                    .enabled = enabled,
                    .keep = keep,
                    .seed = 5,
                    .period = kPeriod,
                    .clamp_high = clamp_high.data(),
                    .inverse = inverse.data(),
                    .step = step.data(),
                    .high = high.data(),
                    .low = -8};
  }
};

std::string quantize_both_ways(bool enabled, std::uint32_t keep) {
  const TwoChannels channels(enabled, keep);
  const Floats z = random_floats(1);
  Floats out(kCount), gradient = random_floats(2), step_gradient(TwoChannels::kPeriod);
  kernels::quantize(channels.quantization, z.data(), out.data(), kCount);
  kernels::quantize_backward(channels.quantization, z.data(), gradient.data(), step_gradient.data(), kCount);
  return bytes(out) + bytes(gradient) + bytes(step_gradient);
}

std::string norm_loss(float norm) {
  const Floats y = random_floats(3), target = random_floats(4);
  Floats gradient(kCount);
  const double loss = kernels::norm_loss(y.data(), target.data(), gradient.data(), kCount, norm, 0.125f);
  return bytes(loss) + bytes(gradient);
}

std::string mix() {
  const Floats quantized = random_floats(5), exact = random_floats(6);
  Floats target(kCount);
  kernels::mix(quantized.data(), exact.data(), target.data(), kCount, 1u << 31, 7);
  return bytes(target);
}

std::string soft_weights() {
  const Floats weight = random_floats(7, -1, 1), rounding = random_floats(8), given = random_floats(9);
  const kernels::SoftChannel channel{kCount, weight.data(), rounding.data(), 0.25f, 0.5f, -2, 1};
  Floats value(kCount), gradient(kCount);
  kernels::soft_weights(channel, value.data());
  const float of_step = kernels::soft_weights_backward(channel, given.data(), {0.1f, 8}, gradient.data());
  return bytes(value) + bytes(gradient) + bytes(of_step);
}

std::string steps() {
  Floats value = random_floats(10), first = random_floats(11), second = random_floats(12, 0, 1);
  const Floats gradient = random_floats(13);
  kernels::adam(value.data(), gradient.data(), first.data(), second.data(), kCount, 0.01f, 3);
  kernels::add(value.data(), gradient.data(), kCount);
  const TwoChannels channels(true, ~0u);
  kernels::add_rounded(value.data(), gradient.data(), channels.step.data(), channels.inverse.data(),
                       TwoChannels::kPeriod, kCount);
  kernels::round_in_place(value.data(), kCount, channels.step.data(), channels.inverse.data(), TwoChannels::kPeriod, -8,
                          7);
  return bytes(value) + bytes(first) + bytes(second);
}

std::string sums_of_channels(std::size_t channels) {
  constexpr std::size_t kStride = 19;
  const Floats values = random_floats(14), shift = random_floats(15), high = random_floats(16, 1, 2);
  std::vector<double> sums(channels);
  kernels::clamped_sums({values.data(), kCount / kStride, kStride, channels}, shift.data(), -1, high.data(),
                        sums.data());
  return bytes(sums);
}

std::string noise() {
  const Floats x = random_floats(17), y = random_floats(18);
  const auto [signal, difference] = kernels::signal_and_noise(x.data(), y.data(), kCount);
  return bytes(signal) + bytes(difference) + bytes(alignment::noise_in_steps(x.data(), kCount, 1.5f, 0.5f, -8, 7));
}

std::string latent_weights() {
  Floats latent = random_floats(19, -4, 4), value(kCount), soft(kCount), gradient = random_floats(20);
  const LatentChannel channel{kCount, 0.25f, 0.5f, -2, 1};
  const SoftRounding rounding{9};
  latent_values(channel, latent.data(), value.data());
  rounding.values(channel, latent.data(), soft.data());
  rounding.backward(channel, latent.data(), gradient.data());
  average(soft.data(), value.data(), kCount, 0.9f);
  scale(value.data(), kCount, 0.3f);
  keep_in_range(channel, latent.data());
  return bytes(latent) + bytes(value) + bytes(soft) + bytes(gradient);
}

/// Integers in [low, high].
template <typename T>
std::vector<T> random_integers(unsigned seed, int low, int high, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<T> values(count);
  for (T& value : values)
    value = static_cast<T>(low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)));
  return values;
}

std::string array_steps(int channels, int lanes) {
  constexpr int kPixels = 7;
  const int stride = std::max(channels, lanes);
  std::string result;
  const auto op = random_integers<std::int16_t>(21, -255, 255, static_cast<std::size_t>(kPixels * stride));
  const auto digits = random_integers<std::int16_t>(22, -2, 2, static_cast<std::size_t>(lanes * channels));
  auto acc = random_integers<std::int32_t>(23, -100'000, 100'000, static_cast<std::size_t>(kPixels * channels));
  for (const bool flag : {true, false}) {
    sim::conv_step(acc.data(), op.data(), digits.data(), kPixels, stride, channels, lanes, flag, !flag);
    result += bytes(acc);
    sim::depthwise_step(acc.data(), op.data(), digits.data(), kPixels, stride, channels, flag, !flag);
    result += bytes(acc);
    sim::max_step(acc.data(), op.data(), kPixels, stride, channels, flag);
    result += bytes(acc);
    const auto word = random_integers<std::uint8_t>(24, 0, 255, static_cast<std::size_t>(channels));
    const std::vector<const std::uint8_t*> words{word.data(), nullptr, word.data()};
    std::vector<std::int16_t> wide(words.size() * static_cast<std::size_t>(stride));
    std::vector<std::uint8_t> nonzero(static_cast<std::size_t>(stride));
    sim::widen_words(words.data(), static_cast<int>(words.size()), channels, flag, wide.data(), stride, nonzero.data());
    result += bytes(wide) + bytes(nonzero);
  }
  return result;
}

const std::map<std::string, std::function<std::string()>>& loops() {
  static const std::map<std::string, std::function<std::string()>> all{
      {"quantize: clamp alone", [] { return quantize_both_ways(false, ~0u); }},
      {"quantize", [] { return quantize_both_ways(true, ~0u); }},
      {"quantize: dropped at random", [] { return quantize_both_ways(true, 1u << 30); }},
      {"norm_loss: squares", [] { return norm_loss(2); }},
      {"norm_loss: 2.4", [] { return norm_loss(2.4f); }},
      {"mix", mix},
      {"soft_weights", soft_weights},
      {"steps", steps},
      {"clamped_sums: a full group", [] { return sums_of_channels(kernels::kChannelGroup); }},
      {"clamped_sums: the rest", [] { return sums_of_channels(5); }},
      {"noise", noise},
      {"latent_weights", latent_weights},
      {"array: a common size", [] { return array_steps(16, 4); }},
      {"array: an odd size", [] { return array_steps(13, 3); }}};
  return all;
}

/// What 'work' gives in a process with each of these values of SHIFTSIM_SIMD.
std::vector<std::string> with_choices(const std::vector<std::string>& choices,
                                      const std::function<std::string()>& work) {
  return run_forked(choices.size(), [&](std::size_t i) {
    setenv(kVariable, choices[i].c_str(), 1);
    return work();
  });
}

std::vector<std::string> names_of_targets() {
  std::vector<std::string> names;
  for (const SimdTarget target : simd_targets()) names.emplace_back(to_string(target));
  return names;
}

class EachLoop : public testing::TestWithParam<std::string> {};

TEST_P(EachLoop, GivesTheSameWithEveryInstructionSet) {
  const std::vector<std::string> names = names_of_targets();
  const std::vector<std::string> results = with_choices(names, loops().at(GetParam()));
  const std::vector<double> portable = doubles(results.front());
  ASSERT_FALSE(portable.empty());
  const bool integers = GetParam().starts_with("array");
  for (std::size_t i = 1; i < results.size(); ++i) {
    SCOPED_TRACE(names[i]);
    const std::vector<double> values = doubles(results[i]);
    ASSERT_EQ(values.size(), portable.size());
    for (std::size_t k = 0; k < values.size(); ++k)
      ASSERT_NEAR(values[k], portable[k], integers ? 0 : 1e-5 * std::max(1.0, std::abs(portable[k]))) << "value " << k;
  }
}

std::vector<std::string> names_of_loops() {
  std::vector<std::string> names;
  for (const auto& [name, loop] : loops()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Simd, EachLoop, testing::ValuesIn(names_of_loops()), [](const auto& one) {
  std::string name;
  for (const char c : one.param)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  return name;
});

TEST(Simd, TakesTheNamedSetAndTheBestWithoutAName) {
  std::vector<std::string> choices = names_of_targets(), expected = choices;
  choices.emplace_back();
  expected.push_back(expected.back());
  EXPECT_EQ(with_choices(choices, [] { return std::string(to_string(simd_target())); }), expected);
}

TEST(Simd, RefusesAnotherName) {
  try {
    with_choices({"sse9"}, [] { return std::string(to_string(simd_target())); });
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_NE(
        std::string(error.what()).find("SHIFTSIM_SIMD: found 'sse9', expected what this processor can run: portable"),
        std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace shiftsim
