#include "quantizer/evaluate/tensor_diagnosis.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

/// Sum of squared errors of values rounded to this step. (No value is above its ceiling.)
double squared_error(std::span<const float> values, const ActivationRange& range, double step) {
  const double inverse = 1 / step, low = range.low(), high = range.top();
  double sum = 0;
  for (const float value : values) {
    const double place = value * inverse;
    const double error = place - std::min(std::max(std::floor(place + 0.5), low), high);
    sum += error * error;
  }
  return sum * step * step;
}

double best_squared_error(std::span<const float> values, const ActivationRange& range, double step) {
  constexpr int kOctaves = 2, kPerOctave = 16;
  double best = squared_error(values, range, step);
  for (int i = -kOctaves * kPerOctave; i <= kOctaves * kPerOctave; ++i)
    best = std::min(best, squared_error(values, range, step * std::exp2(static_cast<double>(i) / kPerOctave)));
  return best;
}

/// At most 'limit' values, evenly spread: those of one channel, or of all of them alike.
std::vector<float> sample(std::span<const float> values, std::size_t first, std::size_t stride, std::size_t channels,
                          std::size_t limit) {
  const std::size_t available = (values.size() - first + stride - 1) / stride;
  std::size_t leap = (available + limit - 1) / limit;
  if (stride == 1)
    while (std::gcd(leap, channels) != 1) ++leap;  // else only some channels would be met
  std::vector<float> result;
  for (std::size_t i = first; i < values.size(); i += stride * leap) result.push_back(values[i]);
  return result;
}

}  // namespace

void Moments::add(double value) {
  sum += value;
  squares += value * value;
  ++count;
}

Moments& Moments::operator+=(const Moments& other) {
  sum += other.sum;
  squares += other.squares;
  count += other.count;
  return *this;
}

double Moments::mean() const {
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

double Moments::deviation() const {
  return count > 0 ? std::sqrt(std::max(squares / static_cast<double>(count) - mean() * mean(), 0.0)) : 0;
}

void CodeUse::add(std::span<const std::int32_t> codes, std::size_t channels, const ActivationRange& range,
                  std::span<const double> steps) {
  SHIFTSIM_CHECK(channels > 0, "codes without channels");
  const int low = range.low(), top = range.top();
  counts.resize(std::size_t{1} << range.bits);
  alive.resize(channels);
  std::vector<bool> reaches_top;
  for (std::size_t c = 0; c < channels; ++c)
    reaches_top.push_back(range.high_at(steps[steps.size() == 1 ? 0 : c], c) == top);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t channel = i % channels;
    const int code = codes[i];
    ++counts[static_cast<std::size_t>(code - low)];
    if (code != 0) alive[channel] = true;
    if ((code == top && reaches_top[channel]) || (range.is_signed && code == low)) ++saturated;
  }
}

CodeUse& CodeUse::operator+=(const CodeUse& other) {
  counts.resize(std::max(counts.size(), other.counts.size()));
  alive.resize(std::max(alive.size(), other.alive.size()));
  for (std::size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
  for (std::size_t i = 0; i < other.alive.size(); ++i)
    if (other.alive[i]) alive[i] = true;
  saturated += other.saturated;
  return *this;
}

std::size_t CodeUse::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

std::size_t CodeUse::dead_channels() const {
  return static_cast<std::size_t>(std::count(alive.begin(), alive.end(), false));
}

Noise tensor_noise(std::span<const float> values, std::size_t channels, const ActivationRange& range,
                   std::span<const double> steps, std::size_t& clipped) {
  SHIFTSIM_CHECK(channels > 0, "a tensor without channels");
  std::vector<double> inverse, step, high;
  for (std::size_t c = 0; c < channels; ++c) {
    step.push_back(steps.size() == 1 ? steps[0] : steps[c]);
    inverse.push_back(1 / step[c]);
    high.push_back(range.high_at(step[c], c));
  }
  const double low = range.low();
  Noise noise;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = i % channels;
    const double value = values[i], code = std::floor(value * inverse[c] + 0.5);
    const double held = std::min(std::max(code, low), high[c]), error = value - held * step[c];
    noise.signal += value * value;
    (held != code ? noise.clipping : noise.rounding) += error * error;
    if (held != code) ++clipped;
  }
  return noise;
}

double tensor_power_of_two_loss_db(std::span<const float> values, std::size_t channels, const ActivationRange& range,
                                   std::span<const double> steps) {
  constexpr std::size_t kLimit = std::size_t{1} << 18;
  const std::size_t parts = steps.size();
  double noise = 0, best = 0;
  for (std::size_t c = 0; c < parts; ++c) {
    const auto values_here =
        sample(values, parts == 1 ? 0 : c, parts, channels, std::max<std::size_t>(kLimit / parts, 1));
    noise += squared_error(values_here, range, steps[c]);
    best += best_squared_error(values_here, range, steps[c]);
  }
  return decibels(noise, best);
}

std::size_t count_ties(std::span<const std::int32_t> sums, std::span<const std::int8_t> shifts, int low,
                       std::span<const std::uint8_t> highs) {
  std::size_t ties = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::size_t k = i % shifts.size();
    const int n = shifts[k];
    if (n <= 0) continue;
    const std::int64_t half = std::int64_t{1} << (n - 1), x = sums[i];
    if ((x & (2 * half - 1)) != half) continue;
    const std::int64_t code = (x + half) >> n;
    if (code > low && code <= highs[k]) ++ties;
  }
  return ties;
}

}  // namespace shiftsim::quantizer
