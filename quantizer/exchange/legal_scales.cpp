#include "quantizer/exchange/legal_scales.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kLargestExponent = 80;
constexpr double kSameFactor = 1e-5;  // a factor that went through single precision, relative

bool is_power_of_two(double value) {
  int exponent = 0;
  return std::frexp(value, &exponent) == 0.5;
}

}  // namespace

LegalScales::Exponents LegalScales::exponents(const Place& place, std::span<const double> scales) const {
  Exponents result;
  std::size_t replaced = 0;
  double worst = 1;
  for (const double scale : scales) {
    if (!std::isfinite(scale) || scale <= 0) place.fail("found the scale {}, expected a power of two above 0", scale);
    const auto exponent = static_cast<int>(std::lround(std::log2(scale)));
    if (std::abs(exponent) > kLargestExponent)
      place.fail("found the scale {}, expected 2^-{} to 2^{}", scale, kLargestExponent, kLargestExponent);
    result.values.push_back(exponent);
    if (is_power_of_two(scale)) continue;
    const double nearest = std::ldexp(1.0, exponent);
    if (!take_nearest_)
      place.fail("found the scale {}, expected a power of two: the nearest is 2^{} = {}, which --nearest-scales takes",
                 scale, exponent, nearest);
    ++replaced;
    if (std::abs(std::log2(nearest / scale)) > std::abs(std::log2(worst))) worst = nearest / scale;
  }
  if (replaced == 0) return result;
  if (scales.size() == 1)
    result.replaced = fmt::format("scale {:.6g} -> 2^{} ({:+.1f} %)", scales[0], result.values[0], 100 * (worst - 1));
  else
    result.replaced = fmt::format("{} of {} scales, at worst {:+.1f} %", replaced, scales.size(), 100 * (worst - 1));
  return result;
}

LegalScales::Factor LegalScales::factor(const Place& place, double value, int bits) {
  if (!std::isfinite(value) || value <= 0) place.fail("found the factor {}, expected one above 0", value);
  int above = 0;
  const double mantissa = std::frexp(value, &above);
  Factor nearest{static_cast<int>(std::lround(std::ldexp(mantissa, bits - 1))), above - (bits - 1)};
  while (nearest.mantissa % 2 == 0) {
    nearest.mantissa /= 2;
    ++nearest.exponent;
  }
  const double taken = std::ldexp(nearest.mantissa, nearest.exponent);
  if (std::abs(taken / value - 1) < kSameFactor) return nearest;
  const std::string what = fmt::format("{} * 2^{} = {:.6g}", nearest.mantissa, nearest.exponent, taken);
  if (!take_nearest_)
    place.fail(
        "found a mean with the factor {:.6g}, expected an integer of {} bits times a power of two: the nearest "
        "is {}, which --nearest-scales takes",
        value, bits, what);
  replace(place, fmt::format("factor {:.6g} -> {}", value, what),
          fmt::format("values {:+.2f} %", 100 * (taken / value - 1)));
  return nearest;
}

void LegalScales::zero_point(const Place& place, double value, const std::string& nearest, const std::string& cost) {
  if (!take_nearest_)
    place.fail("found the zero point {}, expected 0: the nearest is {}, which --nearest-scales takes", value, nearest);
  replace(place, fmt::format("zero point {} -> {}", value, nearest), cost);
}

void LegalScales::replace(const Place& place, const std::string& what, const std::string& cost) {
  replacements_.push_back({place.node, what, cost});
}

}  // namespace shiftsim::quantizer
