#include "quantizer/search/integer_weight_search.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <limits>
#include <optional>

#include "common/error.h"
#include "common/simd.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kSweeps = 8;
/// Quantizers that are tried: all of them for a few weights, fewer where each takes its time (the square of the
/// weights).
constexpr std::size_t quantizers_to_try(std::size_t weights) {
  if (weights <= 32) return std::numeric_limits<std::size_t>::max();
  return weights <= 1024 ? 12 : 4;
}
/// Up to so many weights the best integer weights there are are looked for: depthwise 3x3 windows have 9.
constexpr std::size_t kMostDecoded = 16, kDecoderSteps = 20'000;

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// One window's values of a group's channels, in the order of the weights.
void gather(const ConvGeometry& geometry, const float* image, int row, int column, int group, float* to) {
  const Window& w = geometry.window;
  const int channels = geometry.input.channels / geometry.groups;
  const std::size_t taps = w.taps();
  for (int ky = 0; ky < w.kernel_h; ++ky)
    for (int kx = 0; kx < w.kernel_w; ++kx) {
      const int y = row * w.stride_h - w.pad_top + ky * w.dilation_h;
      const int x = column * w.stride_w - w.pad_left + kx * w.dilation_w;
      const bool inside = y >= 0 && y < geometry.input.height && x >= 0 && x < geometry.input.width;
      const std::size_t from = inside ? static_cast<std::size_t>(y * geometry.input.width + x) *
                                                static_cast<std::size_t>(geometry.input.channels) +
                                            static_cast<std::size_t>(group * channels)
                                      : 0;
      float* tap = to + ky * w.kernel_w + kx;
      for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c)
        tap[c * taps] = inside ? image[from + c] : 0.0f;
    }
}

SHIFTSIM_INLINE void add_scaled_loops(float* to, const float* column, float factor, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] += factor * column[i];
}

void add_scaled(float* to, const float* column, float factor, std::size_t count) {
  simd<add_scaled_loops>(to, column, factor, count);
}

SHIFTSIM_INLINE float dot_loops(const float* a, const float* b, std::size_t count) {
  constexpr std::size_t kLanes = 16;
  float lanes[kLanes] = {}, sum = 0;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::size_t l = 0; l < kLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  for (; i < count; ++i) sum += a[i] * b[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

float dot(const float* a, const float* b, std::size_t count) {
  return simd<dot_loops>(a, b, count);
}

}  // namespace

WindowMoments::WindowMoments(std::size_t fan, std::vector<float> values)
    : fan_(fan), values_(std::move(values)), factors_(values_.size()) {
  SHIFTSIM_CHECK(fan > 0 && values_.size() % (fan * fan) == 0, "{} moments of {} weights", values_.size(), fan);
  const auto size = static_cast<Eigen::Index>(fan);
  for (std::size_t at = 0; at < values_.size(); at += fan * fan) {
    const Eigen::LLT<Matrix, Eigen::Upper> factorized(Eigen::Map<const Matrix>(values_.data() + at, size, size));
    SHIFTSIM_CHECK(factorized.info() == Eigen::Success, "moments that are not positive definite");
    Eigen::Map<Matrix>(factors_.data() + at, size, size) = factorized.matrixU();
  }
}

GroupMoments WindowMoments::of_group(std::size_t group) const {
  const std::size_t size = fan_ * fan_;
  return {fan_, std::span(values_).subspan(group * size, size), std::span(factors_).subspan(group * size, size)};
}

WindowMoments window_moments(const ConvGeometry& geometry, const float* input, std::size_t images, bool centred,
                             std::size_t samples) {
  const auto pixels = static_cast<std::size_t>(geometry.output.height * geometry.output.width);
  const auto width = static_cast<std::size_t>(geometry.output.width);
  const std::size_t of_window =
      static_cast<std::size_t>(geometry.input.channels / geometry.groups) * geometry.window.taps();
  const std::size_t leap = std::max<std::size_t>(1, images * pixels / samples);
  const std::size_t count = (images * pixels + leap - 1) / leap;
  const auto fan = static_cast<Eigen::Index>(of_window);
  std::vector<float> values;
  Matrix windows(static_cast<Eigen::Index>(count), fan);
  for (int group = 0; group < geometry.groups; ++group) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = i * leap, pixel = at % pixels;
      gather(geometry, input + at / pixels * geometry.input.size(), static_cast<int>(pixel / width),
             static_cast<int>(pixel % width), group, windows.row(static_cast<Eigen::Index>(i)).data());
    }
    if (centred) windows.rowwise() -= windows.colwise().mean().eval();
    Matrix square = Matrix::Zero(fan, fan);
    square.selfadjointView<Eigen::Lower>().rankUpdate(windows.transpose(), 1 / static_cast<float>(count));
    square.triangularView<Eigen::StrictlyUpper>() = square.transpose();
    constexpr float kDamping = 0.01f;
    square.diagonal().array() += kDamping * square.diagonal().mean() + std::numeric_limits<float>::min();
    values.insert(values.end(), square.data(), square.data() + square.size());
  }
  return {of_window, std::move(values)};
}

std::size_t window_moments_memory(const ConvGeometry& geometry, std::size_t images, std::size_t samples) {
  const auto pixels = static_cast<std::size_t>(geometry.output.height * geometry.output.width);
  const std::size_t fan = static_cast<std::size_t>(geometry.input.channels / geometry.groups) * geometry.window.taps();
  const std::size_t windows = std::min(images * pixels, 2 * samples);
  // The windows, twice where they are packed for the product; the moments, with those of one group, and their factors.
  return sizeof(float) * (2 * windows * fan + (2 * static_cast<std::size_t>(geometry.groups) + 2) * fan * fan);
}

std::vector<std::int8_t> nearest_integer_weights(std::span<const float> weights, const WeightQuantizer& quantizer) {
  std::vector<std::int8_t> integer_weights;
  integer_weights.reserve(weights.size());
  for (const float weight : weights)
    integer_weights.push_back(static_cast<std::int8_t>(quantizer.quantize(static_cast<double>(weight))));
  return integer_weights;
}

ChannelIntegers descend(std::span<const float> weights, const WeightQuantizer& quantizer, const GroupMoments& moments,
                        std::vector<std::int8_t> from) {
  const std::size_t fan = weights.size();
  const float* const m = moments.values.data();
  ChannelIntegers result{quantizer, std::move(from), 0};
  std::vector<float> off(fan), slope(fan);  // d and M d
  for (std::size_t i = 0; i < fan; ++i) {
    off[i] = static_cast<float>(quantizer.value(result.integer_weights[i]) - static_cast<double>(weights[i]));
    add_scaled(slope.data(), m + i * fan, off[i], fan);
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    bool moved = false;
    for (std::size_t i = 0; i < fan; ++i) {
      // Where the error as a function of this weight alone has its minimum.
      const double now = quantizer.value(result.integer_weights[i]);
      const double wanted = now - static_cast<double>(slope[i]) / static_cast<double>(m[i * fan + i]);
      const int integer = quantizer.quantize(wanted);
      if (integer == result.integer_weights[i]) continue;
      const auto by = static_cast<float>(quantizer.value(integer) - now);
      // A tie would move back and forth.
      if (!(by * (2 * slope[i] + by * m[i * fan + i]) < 0)) continue;
      result.integer_weights[i] = static_cast<std::int8_t>(integer);
      off[i] += by;
      add_scaled(slope.data(), m + i * fan, by, fan);
      moved = true;
    }
    if (!moved) break;
  }
  for (std::size_t i = 0; i < fan; ++i) result.error += static_cast<double>(off[i]) * static_cast<double>(slope[i]);
  return result;
}

std::optional<ChannelIntegers> decode(std::span<const float> weights, const WeightQuantizer& quantizer,
                                      const GroupMoments& moments, double bound, std::size_t limit) {
  const std::size_t fan = weights.size();
  SHIFTSIM_CHECK(fan == moments.fan, "{} weights instead of {}", fan, moments.fan);
  if (fan == 0) return {};
  const float* const factor = moments.factor.data();
  /// A weight on its way through its integer weights, nearest to the middle first.
  struct Level {
    double middle = 0;      ///< where the weight would cost nothing, given those behind it
    double above = 0;       ///< error of the weights behind it
    int low = 0, high = 0;  ///< the next integer weights to try on both sides
    int integer = 0;        ///< that is being tried
  };
  std::vector<Level> levels(fan);
  std::vector<float> off(fan);  // of those integer weights, from the weights
  const auto enter = [&](std::size_t i, double above) {
    const float* const row = factor + i * fan;
    Level& level = levels[i];
    level.middle = static_cast<double>(weights[i]) -
                   static_cast<double>(dot(row + i + 1, off.data() + i + 1, fan - i - 1) / row[i]);
    level.above = above;
    level.low = quantizer.quantize(level.middle);
    level.high = level.low + 1;
  };
  std::optional<ChannelIntegers> best;
  std::size_t i = fan - 1;
  enter(i, 0);
  for (std::size_t step = 0; step < limit; ++step) {
    Level& level = levels[i];
    const bool has_low = level.low >= quantizer.low(), has_high = level.high <= quantizer.high();
    bool dead = !has_low && !has_high;
    double error = 0;
    if (!dead) {
      const double below = has_low ? level.middle - quantizer.value(level.low) : 0;
      const double over = has_high ? quantizer.value(level.high) - level.middle : 0;
      const bool down = has_low && (!has_high || std::abs(below) <= std::abs(over));
      level.integer = down ? level.low-- : level.high++;
      const double cost = static_cast<double>(factor[i * fan + i]) * (down ? below : over);
      error = level.above + cost * cost;
      dead = error >= bound;  // and so are the integer weights still further off
    }
    if (dead) {
      if (++i == fan) break;
      continue;
    }
    off[i] = static_cast<float>(quantizer.value(level.integer) - static_cast<double>(weights[i]));
    if (i > 0) {
      enter(--i, error);
      continue;
    }
    bound = error;
    best = ChannelIntegers{quantizer, std::vector<std::int8_t>(fan), error};
    for (std::size_t j = 0; j < fan; ++j) best->integer_weights[j] = static_cast<std::int8_t>(levels[j].integer);
  }
  return best;
}

ChannelIntegers search_integer_weights(
    std::span<const float> weights, const WeightSearch& search, const GroupMoments& moments,
    const std::function<bool(const WeightQuantizer&, std::span<const std::int8_t>)>& allow) {
  ChannelIntegers best;
  best.error = std::numeric_limits<double>::infinity();
  const std::vector<WeightQuantizer> quantizers = best_quantizers(weights, search, quantizers_to_try(weights.size()));
  const auto take = [&](ChannelIntegers found) {
    if (found.error < best.error && allow(found.quantizer, found.integer_weights)) best = std::move(found);
  };
  constexpr double kAny = std::numeric_limits<double>::infinity();
  for (const WeightQuantizer& quantizer : quantizers) {
    take(descend(weights, quantizer, moments, nearest_integer_weights(weights, quantizer)));
    if (auto first = decode(weights, quantizer, moments, kAny, weights.size()))
      take(descend(weights, quantizer, moments, std::move(first->integer_weights)));
  }
  if (weights.size() > kMostDecoded) return best;
  for (const WeightQuantizer& quantizer : quantizers)
    if (auto found = decode(weights, quantizer, moments, best.error, kDecoderSteps)) take(*std::move(found));
  return best;
}

}  // namespace shiftsim::quantizer
