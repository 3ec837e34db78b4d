// How well a tensor's codes represent its float activations, and what keeps them from doing better.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quantizer/search/activation_search.h"
#include "quantizer/search/noise.h"

namespace shiftsim::quantizer {

struct Moments {
  double sum = 0, squares = 0;
  std::size_t count = 0;

  void add(double value);
  Moments& operator+=(const Moments& other);
  double mean() const;
  double deviation() const;  ///< standard deviation
};

/// Of the tensor's codes over any number of images, added up with +=.
struct CodeUse {
  std::vector<std::size_t> counts;  ///< by code, from the lowest of the range on
  std::vector<bool> alive;          ///< by channel: some code was not 0
  std::size_t saturated = 0;        ///< codes at the range's own ends; 0 and ReLU6's 6 are no such end

  /// 'codes' are NHWC. 'steps': one, or one per channel.
  void add(std::span<const std::int32_t> codes, std::size_t channels, const ActivationRange& range,
           std::span<const double> steps);
  CodeUse& operator+=(const CodeUse& other);
  std::size_t total() const;
  std::size_t dead_channels() const;
};

/// Quantizes float activations (NHWC) by themselves, round half up. 'steps': one, or one per channel of 'channels'.
/// 'clipped' counts the values that round to a code beyond the range's ends.
Noise tensor_noise(std::span<const float> values, std::size_t channels, const ActivationRange& range,
                   std::span<const double> steps, std::size_t& clipped);

/// dB: the noise at these steps over that at the best free ones, each channel's by itself where there is one per
/// channel; at least 0. Estimated on at most 2^18 of the values.
double tensor_power_of_two_loss_db(std::span<const float> values, std::size_t channels, const ActivationRange& range,
                                   std::span<const double> steps);

/// How many values x >> n rounds from exactly half way between two codes of [low, high], so that the rule for ties
/// decides. Channel k: shifts[k], highs[k].
std::size_t count_ties(std::span<const std::int32_t> sums, std::span<const std::int8_t> shifts, int low,
                       std::span<const std::uint8_t> highs);

}  // namespace shiftsim::quantizer
