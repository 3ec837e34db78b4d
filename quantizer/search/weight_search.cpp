#include "quantizer/search/weight_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kOffsetLow = -8, kOffsetHigh = 7;
constexpr int kCoarser = 2, kFiner = 6;  // exponents above and below the one at which the weights just fit
constexpr int kRescue = 96;              // how far to look where nothing near is legal
constexpr int kEmptyChannel = -10;       // a channel without weights: fine enough for its bias

/// Sum of |w - Q(w)|^norm in units of the step, given up (infinity) once it reaches 'limit'.
double error_in_steps(std::span<const float> weights, const WeightQuantizer& quantizer, double norm, double limit) {
  const double inverse = 1 / quantizer.step(), shift = quantizer.offset * 0.5;
  const double low = quantizer.low(), high = quantizer.high();
  double sum = 0;
  constexpr std::size_t kBlock = 64;
  for (std::size_t begin = 0; begin < weights.size(); begin += kBlock) {
    const std::size_t end = std::min(weights.size(), begin + kBlock);
    for (std::size_t i = begin; i < end; ++i) {
      const double place = weights[i] * inverse - shift;
      const double integer = std::min(std::max(std::floor(place + 0.5), low), high);
      sum += std::pow(std::abs(place - integer), norm);
    }
    if (sum >= limit) return std::numeric_limits<double>::infinity();
  }
  return sum;
}

}  // namespace

WeightQuantizer WeightQuantizer::free(int bits, double step, int offset) {
  WeightQuantizer quantizer{bits, std::ilogb(step), offset};
  quantizer.mantissa = std::ldexp(step, -quantizer.exponent);
  return quantizer;
}

double WeightQuantizer::step() const {
  return std::ldexp(mantissa, exponent);
}

int WeightQuantizer::quantize(double weight) const {
  const double integer = std::floor(weight / step() - offset * 0.5 + 0.5);
  return static_cast<int>(std::clamp<double>(integer, low(), high()));
}

double WeightQuantizer::value(int integer) const {
  return (integer + offset * 0.5) * step();
}

double quantization_error(std::span<const float> weights, const WeightQuantizer& quantizer, double norm) {
  return error_in_steps(weights, quantizer, norm, std::numeric_limits<double>::infinity()) *
         std::pow(quantizer.step(), norm);
}

WeightQuantizer search_free_quantizer(std::span<const float> weights, int bits, double norm) {
  const auto [least, most] = std::minmax_element(weights.begin(), weights.end());
  const double low = std::min(0.0, static_cast<double>(*least)), high = std::max(0.0, static_cast<double>(*most));
  WeightQuantizer best{bits, kEmptyChannel, 0};
  if (!(high > low)) return best;
  double best_error = std::numeric_limits<double>::infinity();
  constexpr int kShrinks = 80;
  for (int shrink = 0; shrink < kShrinks; ++shrink) {
    const double factor = 1 - 0.01 * shrink;
    const double step = (high - low) * factor / ((1 << bits) - 1);
    const int zero = static_cast<int>(std::round(-low * factor / step));
    // (q' - zero) * step with q' from 0 on
    const WeightQuantizer quantizer = WeightQuantizer::free(bits, step, 2 * ((1 << (bits - 1)) - zero));
    const double unit = std::pow(quantizer.step(), norm);
    const double error = error_in_steps(weights, quantizer, norm, best_error / unit) * unit;
    if (!(error < best_error)) continue;
    best = quantizer;
    best_error = error;
  }
  return best;
}

WeightQuantizer static_quantizer(const WeightQuantizer& free) {
  WeightQuantizer quantizer{free.bits, static_cast<int>(std::lround(std::log2(free.step()))), 0};
  const double middle = (free.offset * 0.5 - 0.5) * free.step();
  const double zero = std::round(middle / quantizer.step() + 0.5);
  constexpr int kLowest = kOffsetLow / 2, kHighest = kOffsetHigh / 2;
  quantizer.offset = 2 * std::clamp(static_cast<int>(zero), kLowest, kHighest);
  return quantizer;
}

double best_free_step(std::span<const float> weights, const WeightQuantizer& quantizer, double norm) {
  constexpr int kEachWay = 20;
  double best = quantizer.step(), best_error = std::numeric_limits<double>::infinity();
  for (int i = -kEachWay; i <= kEachWay; ++i) {
    const double step = quantizer.step() * std::exp2(static_cast<double>(i) / kEachWay);
    const double error =
        quantization_error(weights, WeightQuantizer::free(quantizer.bits, step, quantizer.offset), norm);
    if (!(error < best_error)) continue;
    best = step;
    best_error = error;
  }
  return best;
}

int best_offset(std::span<const float> weights, const WeightQuantizer& quantizer, double norm) {
  int best = 0;
  double best_error = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= kOffsetHigh - kOffsetLow; ++i) {
    const int offset = i % 2 == 1 ? -(i + 1) / 2 : i / 2;  // 0, -1, 1, -2, ...
    WeightQuantizer candidate = quantizer;
    candidate.offset = offset;
    const double error = error_in_steps(weights, candidate, norm, best_error);
    if (!(error < best_error)) continue;
    best = offset;
    best_error = error;
  }
  return best;
}

ExponentRange candidate_exponents(double largest, int bits) {
  int fits = 0;  // largest <= 2^fits
  std::frexp(largest, &fits);
  fits -= bits - 1;
  return {fits - kFiner, fits + kCoarser};
}

std::vector<WeightQuantizer> best_quantizers(std::span<const float> weights, const WeightSearch& search,
                                             std::size_t count) {
  double largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(static_cast<double>(weight)));
  std::vector<WeightQuantizer> quantizers;
  if (!(largest > 0)) return quantizers;
  std::vector<std::pair<double, std::size_t>> errors;
  const auto [lowest, highest] = candidate_exponents(largest, search.bits);
  for (int offset = search.offsets ? kOffsetLow : 0; offset <= (search.offsets ? kOffsetHigh : 0); ++offset)
    for (int exponent = highest; exponent >= lowest; --exponent) {
      quantizers.push_back({search.bits, exponent, offset});
      errors.emplace_back(quantization_error(weights, quantizers.back(), search.norm), errors.size());
    }
  count = std::min(count, quantizers.size());
  std::partial_sort(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(count), errors.end());
  std::vector<WeightQuantizer> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(quantizers[errors[i].second]);
  return result;
}

WeightQuantizer search_quantizer(std::span<const float> weights, const WeightSearch& search,
                                 const QuantizerFilter& filter) {
  double largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(static_cast<double>(weight)));
  WeightQuantizer best{search.bits, 0, 0};
  double best_error = std::numeric_limits<double>::infinity();
  const auto consider = [&](int exponent, int offset) {
    const WeightQuantizer quantizer{search.bits, exponent, offset};
    const double unit = std::exp2(search.norm * exponent);
    const double error = error_in_steps(weights, quantizer, search.norm, best_error / unit) * unit;
    if (!(error < best_error) || (filter && !filter(quantizer))) return;
    best = quantizer;
    best_error = error;
  };

  if (largest > 0) {
    const auto [lowest, highest] = candidate_exponents(largest, search.bits);
    // Offsets in the order 0, -1, 1, -2, ...: of equal errors the first is kept.
    for (int distance = 0; distance <= (search.offsets ? -kOffsetLow : 0); ++distance) {
      for (const int offset : {-distance, distance}) {
        if (offset > kOffsetHigh || (distance == 0 && offset != -distance)) continue;
        for (int exponent = highest; exponent >= lowest; --exponent) consider(exponent, offset);
        if (distance == 0) break;
      }
    }
    if (best_error < std::numeric_limits<double>::infinity()) return best;
  }
  // No weights to speak of, or none of the fitting steps legal (a channel that BatchNorm all but switched off): the
  // nearest legal exponent to the fitting one, or to 0.
  const int start = largest > 0 ? candidate_exponents(largest, search.bits).highest : kEmptyChannel;
  for (int distance = 0; distance <= kRescue; ++distance) {
    for (const int exponent : {start + distance, start - distance}) {
      const WeightQuantizer quantizer{search.bits, exponent, 0};
      if (!filter || filter(quantizer)) return quantizer;
    }
  }
  throw NoLegalQuantizer(fmt::format("no step is legal for its weights of up to {:.3g}", largest));
}

}  // namespace shiftsim::quantizer
