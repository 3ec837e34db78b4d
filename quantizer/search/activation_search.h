// The exponent of an activation tensor, by the least error over calibration values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/thread_pool.h"
#include "qnet/network.h"
#include "quantizer/graph/scalar_function.h"

namespace shiftsim::quantizer {

/// What codes a tensor has, whatever its exponent.
struct ActivationRange {
  int bits = 8;
  bool is_signed = false;
  /// The activation function's upper clamp: one, or one per channel; empty: none. 6 for ReLU6, until its channels are
  /// scaled (scale_alignment.h).
  std::vector<float> ceilings;

  int low() const { return is_signed ? -(1 << (bits - 1)) : 0; }
  /// The largest code of this width.
  int top() const { return (1 << (is_signed ? bits - 1 : bits)) - 1; }
  float ceiling(std::size_t channel) const;
  /// The largest code a channel reaches at this step, which may be a free one: top(), or what its ceiling rounds to.
  int high_at(double step, std::size_t channel = 0) const;
  int high(int exponent, std::size_t channel = 0) const;
  /// value's code at this exponent: round half up, clamped.
  int quantize(double value, int exponent) const;
};

/// NHWC values of which every 'step'-th pixel is looked at, from the first on.
struct PixelSample {
  std::span<const float> values;
  std::size_t channels = 1, step = 1;

  std::size_t count() const { return (values.size() / channels + step - 1) / step; }  ///< pixels looked at
  const float* pixel(std::size_t i) const { return values.data() + i * step * channels; }
};

/// Counts of values in equal steps between the least and the largest; zeros are left out, as no exponent errs on them.
class Histogram {
public:
  static constexpr std::size_t kBins = 16384;

  explicit Histogram(std::span<const float> values);
  Histogram(const PixelSample& pixels, ThreadPool& workers);

  double largest() const;  ///< the largest magnitude
  /// Sum over the values of |x - Q(x)|^norm, each value taken as its bin's middle.
  double error(const ActivationRange& range, double step, double norm) const;
  /// Sum over the values of |f(x) - f(Q(x))|^norm.
  double error_behind(const ScalarFunction& function, const ActivationRange& range, double step, double norm) const;

private:
  friend std::vector<Histogram> channel_histograms(const PixelSample& pixels, std::size_t first, std::size_t count);
  struct Range {
    float low = 0, high = 0;
    void widen(float value);
  };
  explicit Histogram(const Range& range);
  void count(float value);

  double low_ = 0, step_ = 0, inverse_ = 0;
  std::vector<std::uint64_t> counts_;
};

/// Those of 'count' channels, from 'first' on: fastest where they share cache lines.
std::vector<Histogram> channel_histograms(const PixelSample& pixels, std::size_t first, std::size_t count);

/// The exponent with the least error, from the one at which nothing is clipped down to where all but a 64th is. On
/// equal errors the larger wins. 'fallback' where all values are 0.
int search_activation_exponent(const Histogram& histogram, const ActivationRange& range, double norm, int fallback = 0);

/// The same of a tensor that only an activation table reads: by the error of what the function makes of it.
int search_table_exponent(const Histogram& histogram, const ActivationRange& range, const ScalarFunction& function,
                          double norm, int fallback = 0);

/// The step of free scale with the least error, from the one at which nothing is clipped down to a fifth of it in steps
/// of 1 %.
double search_activation_step(const Histogram& histogram, const ActivationRange& range, double norm,
                              double fallback = 1);

}  // namespace shiftsim::quantizer
