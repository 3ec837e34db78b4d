#include "qnet/bounds.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

namespace shiftsim::qnet {
namespace {

// Far beyond 32 bits and small enough that adding a few of them cannot overflow 64: values this large only say "too
// wide".
constexpr std::int64_t kSaturated = std::int64_t{1} << 60;

std::int64_t saturate(std::int64_t value) {
  return std::clamp(value, -kSaturated, kSaturated);
}

/// value << shift, saturated.
std::int64_t shift_left(std::int64_t value, int shift) {
  if (value > (kSaturated >> shift)) return kSaturated;
  if (value < -(kSaturated >> shift)) return -kSaturated;
  return value * (std::int64_t{1} << shift);
}

/// rs(r, s) of the contract.
std::int64_t saturated_residual_shift(std::int64_t r, int s) {
  return s >= 0 ? shift_left(r, s) : (r + (std::int64_t{1} << (-s - 1))) >> -s;
}

/// An interval that is empty until something is added.
class Union {
public:
  void add(std::int64_t low, std::int64_t high) {
    interval_ = empty_ ? Interval{low, high} : Interval{std::min(interval_.low, low), std::max(interval_.high, high)};
    empty_ = false;
  }
  void add(const Interval& interval) { add(interval.low, interval.high); }
  const Interval& get() const { return interval_; }

private:
  Interval interval_;
  bool empty_ = true;
};

/// Which taps of one axis of the kernel lie in the map, for every different case among the output positions.
std::set<std::vector<bool>> coverages(int outputs, int inputs, int kernel, int stride, int dilation, int pad) {
  std::set<std::vector<bool>> cases;
  for (int o = 0; o < outputs; ++o) {
    std::vector<bool> inside(static_cast<std::size_t>(kernel));
    for (int t = 0; t < kernel; ++t) {
      const int i = o * stride - pad + t * dilation;
      inside[static_cast<std::size_t>(t)] = i >= 0 && i < inputs;
    }
    cases.insert(std::move(inside));
  }
  return cases;
}

/// The interval of sum over a tap's channels of a * w, for positions in the map and in the padding.
struct Tap {
  Interval inside;
  std::int64_t padding = 0;
};

struct Case {
  std::vector<bool> rows, columns;
};

class ConvBounds {
public:
  ConvBounds(const Network& network, const Layer& layer)
      : layer_(layer),
        input_(network.in(layer)),
        taps_(static_cast<std::size_t>(layer.kernel_h) * static_cast<std::size_t>(layer.kernel_w)) {
    const Tensor& output = network.out(layer);
    const auto rows =
        coverages(output.height, input_.height, layer.kernel_h, layer.stride_h, layer.dilation_h, layer.pad_top);
    const auto columns =
        coverages(output.width, input_.width, layer.kernel_w, layer.stride_w, layer.dilation_w, layer.pad_left);
    for (const auto& row : rows) {
      for (const auto& column : columns) cases_.push_back({row, column});
    }
  }

  /// The interval of sum of a * (scale * q + shift) over the window of output channel k, every a free in its range. One
  /// weight is one term, so the interval is exact: some input reaches each end.
  Interval window(std::size_t k, int scale, int shift) {
    const auto group_channels = static_cast<std::size_t>(input_.channels / layer_.groups);
    const std::size_t per_group = channels() / static_cast<std::size_t>(layer_.groups);
    const std::size_t first = k / per_group * group_channels;
    const std::int64_t low = input_.low(), high = input_.high();
    for (std::size_t t = 0; t < taps_.size(); ++t) {
      const std::int8_t* const q = layer_.weights.data() + (k * taps_.size() + t) * group_channels;
      // Of one tap's weights; fits 32 bits, as the channels of a tensor fit 16.
      std::int32_t positive = 0, negative = 0;
      for (std::size_t c = 0; c < group_channels; ++c) {
        const std::int32_t w = scale * q[c] + shift;
        positive += std::max(w, 0);
        negative += std::min(w, 0);
      }
      Tap tap{{positive * low + negative * high, positive * high + negative * low}};
      if (!layer_.pad_values.empty())
        for (std::size_t c = 0; c < group_channels; ++c)
          tap.padding += (std::int64_t{scale} * q[c] + shift) * layer_.pad_values[first + c];
      taps_[t] = tap;
    }
    Union all;
    for (const Case& one : cases_) {
      Interval sum;
      std::size_t t = 0;
      for (const bool row : one.rows) {
        for (const bool column : one.columns) {
          const Tap& tap = taps_[t++];
          sum.low += row && column ? tap.inside.low : tap.padding;
          sum.high += row && column ? tap.inside.high : tap.padding;
        }
      }
      all.add(sum);
    }
    return all.get();
  }

  std::size_t channels() const { return layer_.bias.size(); }

private:
  const Layer& layer_;
  const Tensor& input_;
  std::vector<Tap> taps_;
  std::vector<Case> cases_;
};

/// Adds to 'ppu' what requantization makes of x: x plus the rounding half, or x << -n.
void add_requantization(Union& ppu, const Interval& x, int n) {
  if (n > 0) {
    const std::int64_t half = std::int64_t{1} << (n - 1);
    ppu.add(saturate(x.low + half), saturate(x.high + half));
  } else {
    ppu.add(shift_left(x.low, -n), shift_left(x.high, -n));
  }
}

LayerBounds conv_bounds(const Network& network, const Layer& layer) {
  const bool offset = layer.has_offset();
  ConvBounds conv(network, layer);
  Union accumulator, widened, ppu;
  for (std::size_t k = 0; k < conv.channels(); ++k) {
    Interval acc = conv.window(k, 1, 0);
    accumulator.add(acc);
    if (offset) {
      accumulator.add(conv.window(k, 0, 1));  // S
      acc = conv.window(k, 2, layer.offsets[k]);
    }
    widened.add(acc);
    ppu.add(acc);
    Interval x{acc.low + layer.bias[k], acc.high + layer.bias[k]};
    ppu.add(x);
    if (layer.residual >= 0) {
      const Tensor& residual = network.tensors[static_cast<std::size_t>(layer.residual)];
      const Interval r{saturated_residual_shift(residual.low(), layer.residual_shifts[k]),
                       saturated_residual_shift(residual.high(), layer.residual_shifts[k])};
      ppu.add(r);
      x = {saturate(x.low + r.low), saturate(x.high + r.high)};
      ppu.add(x);
    }
    add_requantization(ppu, x, layer.shifts[k]);
  }
  return {accumulator.get(), widened.get(), ppu.get()};
}

LayerBounds fixed_sum_bounds(const Network& network, const Layer& layer) {
  const Tensor& input = network.in(layer);
  const Tensor& output = network.out(layer);
  const auto rows =
      coverages(output.height, input.height, layer.kernel_h, layer.stride_h, layer.dilation_h, layer.pad_top);
  const auto columns =
      coverages(output.width, input.width, layer.kernel_w, layer.stride_w, layer.dilation_w, layer.pad_left);
  const std::int64_t weight = row_of(layer.kind).fixed_weight;
  const auto [low, high] = std::minmax({weight * input.low(), weight * input.high()});
  Union sum, ppu;
  for (const auto& row : rows) {
    for (const auto& column : columns) {
      const auto inside = std::count(row.begin(), row.end(), true) * std::count(column.begin(), column.end(), true);
      sum.add(inside * low, inside * high);
    }
  }
  ppu.add(sum.get());
  for (const std::int8_t n : layer.shifts) add_requantization(ppu, sum.get(), n);
  return {sum.get(), sum.get(), ppu.get()};
}

}  // namespace

int Interval::bits() const {
  int bits = 1;
  while (bits < 64 && (low < -(std::int64_t{1} << (bits - 1)) || high > (std::int64_t{1} << (bits - 1)) - 1)) ++bits;
  return bits;
}

LayerBounds bounds(const Network& network, const Layer& layer) {
  const LayerKindRow& kind = row_of(layer.kind);
  if (kind.has_weights) return conv_bounds(network, layer);
  if (kind.requantizes) return fixed_sum_bounds(network, layer);
  const Interval codes{network.out(layer).low(), network.out(layer).high()};
  return {codes, codes, codes};
}

}  // namespace shiftsim::qnet
