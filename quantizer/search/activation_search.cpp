#include "quantizer/search/activation_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace shiftsim::quantizer {

float ActivationRange::ceiling(std::size_t channel) const {
  if (ceilings.empty()) return std::numeric_limits<float>::infinity();
  return ceilings[ceilings.size() == 1 ? 0 : channel];
}

int ActivationRange::high_at(double step, std::size_t channel) const {
  const double code = std::round(static_cast<double>(ceiling(channel)) / step);
  return code < top() ? static_cast<int>(code) : top();
}

int ActivationRange::high(int exponent, std::size_t channel) const {
  return high_at(std::ldexp(1.0, exponent), channel);
}

int ActivationRange::quantize(double value, int exponent) const {
  const double code = std::floor(std::ldexp(value, -exponent) + 0.5);
  return static_cast<int>(std::clamp<double>(code, low(), high(exponent)));
}

void Histogram::Range::widen(float value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

Histogram::Histogram(const Range& range)
    : low_(static_cast<double>(range.low)),
      step_((static_cast<double>(range.high) - low_) / static_cast<double>(kBins)),
      inverse_(step_ > 0 ? 1 / step_ : 0),
      counts_(kBins) {}

void Histogram::count(float value) {
  if (value == 0.0f) return;
  const auto bin = static_cast<std::size_t>((static_cast<double>(value) - low_) * inverse_);
  ++counts_[std::min(bin, kBins - 1)];
}

Histogram::Histogram(std::span<const float> values) {
  Range range;
  for (const float value : values) range.widen(value);
  *this = Histogram(range);
  for (const float value : values) count(value);
}

Histogram::Histogram(const PixelSample& pixels, ThreadPool& workers) {
  const auto parts = static_cast<std::size_t>(workers.threads());
  const auto for_part = [&](std::size_t part, const auto& work) {
    const std::size_t last = pixels.count() * (part + 1) / parts;
    for (std::size_t i = pixels.count() * part / parts; i < last; ++i)
      for (const float value : std::span(pixels.pixel(i), pixels.channels)) work(value);
  };
  std::vector<Range> ranges(parts);
  workers.run(parts, [&](std::size_t part, std::size_t) {
    Range range;
    for_part(part, [&](float value) { range.widen(value); });
    ranges[part] = range;
  });
  Range whole;
  for (const Range& range : ranges) {
    whole.widen(range.low);
    whole.widen(range.high);
  }
  *this = Histogram(whole);
  std::vector<Histogram> counted(parts, *this);
  workers.run(parts,
              [&](std::size_t part, std::size_t) { for_part(part, [&](float value) { counted[part].count(value); }); });
  for (const Histogram& histogram : counted)
    for (std::size_t bin = 0; bin < kBins; ++bin) counts_[bin] += histogram.counts_[bin];
}

std::vector<Histogram> channel_histograms(const PixelSample& pixels, std::size_t first, std::size_t count) {
  const auto for_all = [&](const auto& work) {
    for (std::size_t i = 0; i < pixels.count(); ++i)
      for (std::size_t k = 0; k < count; ++k) work(k, pixels.pixel(i)[first + k]);
  };
  std::vector<Histogram::Range> ranges(count);
  for_all([&](std::size_t k, float value) { ranges[k].widen(value); });
  std::vector<Histogram> result;
  result.reserve(count);
  for (const Histogram::Range& range : ranges) result.push_back(Histogram(range));
  for_all([&](std::size_t k, float value) { result[k].count(value); });
  return result;
}

double Histogram::largest() const {
  return std::max(-low_, low_ + step_ * static_cast<double>(kBins));
}

double Histogram::error(const ActivationRange& range, double step, double norm) const {
  const double inverse = 1 / step;
  // No value is above its ceiling, so that none rounds to more than the ceiling does.
  const double low = range.low(), high = range.top();
  double sum = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (counts_[bin] == 0) continue;
    const double place = (low_ + (static_cast<double>(bin) + 0.5) * step_) * inverse;
    const double code = std::min(std::max(std::floor(place + 0.5), low), high);
    sum += static_cast<double>(counts_[bin]) * std::pow(std::abs(place - code), norm);
  }
  return sum * std::pow(step, norm);
}

double Histogram::error_behind(const ScalarFunction& function, const ActivationRange& range, double step,
                               double norm) const {
  std::vector<float> exact, rounded;
  std::vector<double> counts;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (counts_[bin] == 0) continue;
    const double value = low_ + (static_cast<double>(bin) + 0.5) * step_;
    const double code = std::clamp<double>(std::floor(value / step + 0.5), range.low(), range.top());
    exact.push_back(static_cast<float>(value));
    rounded.push_back(static_cast<float>(code * step));
    counts.push_back(static_cast<double>(counts_[bin]));
  }
  function.evaluate(exact.data(), exact.data(), exact.size());
  function.evaluate(rounded.data(), rounded.data(), rounded.size());
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    sum += counts[i] * std::pow(std::abs(static_cast<double>(exact[i]) - static_cast<double>(rounded[i])), norm);
  return sum;
}

namespace {

/// The exponent of the least 'error(step)'.
template <typename Error>
int least_exponent(const Histogram& histogram, const ActivationRange& range, int fallback, const Error& error_at) {
  const double largest = histogram.largest();
  if (!(largest > 0)) return fallback;
  constexpr int kFiner = 6;
  int highest = 0;  // largest <= 2^highest
  std::frexp(largest, &highest);
  highest -= range.bits - 1 - (range.is_signed ? 1 : 0);
  int best = highest;
  double best_error = std::numeric_limits<double>::infinity();
  for (int exponent = highest; exponent >= highest - kFiner; --exponent) {
    const double error = error_at(std::ldexp(1.0, exponent));
    if (error < best_error) {
      best_error = error;
      best = exponent;
    }
  }
  return best;
}

}  // namespace

int search_activation_exponent(const Histogram& histogram, const ActivationRange& range, double norm, int fallback) {
  return least_exponent(histogram, range, fallback, [&](double step) { return histogram.error(range, step, norm); });
}

int search_table_exponent(const Histogram& histogram, const ActivationRange& range, const ScalarFunction& function,
                          double norm, int fallback) {
  return least_exponent(histogram, range, fallback,
                        [&](double step) { return histogram.error_behind(function, range, step, norm); });
}

double search_activation_step(const Histogram& histogram, const ActivationRange& range, double norm, double fallback) {
  const double largest = histogram.largest();
  if (!(largest > 0)) return fallback;
  const double widest = largest / range.top();
  double best = widest, best_error = std::numeric_limits<double>::infinity();
  constexpr int kShrinks = 80;
  for (int shrink = 0; shrink < kShrinks; ++shrink) {
    const double step = widest * (1 - 0.01 * shrink);
    const double error = histogram.error(range, step, norm);
    if (!(error < best_error)) continue;
    best = step;
    best_error = error;
  }
  return best;
}

}  // namespace shiftsim::quantizer
