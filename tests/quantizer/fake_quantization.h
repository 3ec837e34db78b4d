// An evaluation of a .qnet network that shares no code and no idea of integers with qnet/golden: every value is the
// real number that it stands for, in double, as in a fake-quantized float network.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::quantizer {

/// Every tensor's real values [height][width][channels] for one image, from the meaning docs/integer-contract.md gives
/// to the stored numbers. All of them are multiples of powers of two that double holds exactly.
class FakeQuantization {
public:
  using Map = std::vector<double>;

  explicit FakeQuantization(const qnet::Network& network) : network_(network) {}

  std::vector<Map> run(const std::uint8_t* image) const {
    std::vector<Map> maps(network_.tensors.size());
    maps[0].assign(image, image + network_.input().size());
    for (const qnet::Layer& layer : network_.layers) {
      const Map* residual = layer.residual >= 0 ? &maps[index(layer.residual)] : nullptr;
      maps[index(layer.output)] = run_layer(layer, maps[index(layer.input)], residual);
    }
    return maps;
  }

private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  /// The multiple of 2^exponent nearest to 'value', ties upwards.
  static double round_to(double value, int exponent) {
    const double step = std::pow(2.0, exponent);
    return std::floor(value / step + 0.5) * step;
  }

  static double clamp(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

  Map run_layer(const qnet::Layer& layer, const Map& in, const Map* residual) const {
    const qnet::Tensor &from = network_.in(layer), &to = network_.out(layer);
    const bool logits = &layer == &network_.layers.back();
    Map out;
    if (layer.is_view()) {
      for (int y = 0; y < to.height; ++y)
        for (int x = 0; x < to.width; ++x)
          for (const int k : layer.channels) {
            const qnet::Tensor& other = network_.tensors[index(std::max(layer.residual, 0))];
            const qnet::PixelSource at = layer.view.source(y, x, from.height, from.width);
            const bool second = at.is_joined || k >= from.channels;
            const qnet::Tensor& of = second ? other : from;
            const std::size_t pixel = index(at.y) * index(of.width) + index(at.x);
            const int channel = second && !at.is_joined ? k - from.channels : k;
            out.push_back((second ? *residual : in)[pixel * index(of.channels) + index(channel)]);
          }
      return out;
    }
    for (int y = 0; y < to.height; ++y)
      for (int x = 0; x < to.width; ++x)
        for (int k = 0; k < to.channels; ++k) {
          double value = 0;
          if (layer.kind == qnet::LayerKind::kMaxPool) {
            value = -1e300;
            each_tap(layer, from, in, y, x, k, true, [&](double a, std::size_t) { value = std::max(value, a); });
            out.push_back(value);
            continue;
          }
          if (layer.kind == qnet::LayerKind::kSumPool)
            each_tap(layer, from, in, y, x, k, true, [&](double a, std::size_t) { value += a; });
          else
            value = convolution(layer, from, to, in, y, x, k, residual, out.size());
          if (logits) {
            out.push_back(value);
            continue;
          }
          if (layer.activation == qnet::Activation::kTable) {
            out.push_back(look_up(layer, to, value));
            continue;
          }
          const double step = std::pow(2.0, to.exponent(k));
          const int bits = to.bits;
          double low = 0, high = std::pow(2.0, bits) - 1;
          if (to.is_signed) {
            low = -std::pow(2.0, bits - 1);
            high = std::pow(2.0, bits - 1) - 1;
          }
          if (layer.activation != qnet::Activation::kNone) low = 0;
          if (layer.activation == qnet::Activation::kRelu6) high = layer.hi[index(k)];
          out.push_back(clamp(round_to(value, to.exponent(k)), low * step, high * step));
        }
    return out;
  }

  /// The value's code, 8 bits wide, is the number of a byte, which is a code of the output.
  double look_up(const qnet::Layer& layer, const qnet::Tensor& to, double value) const {
    const double step = std::pow(2.0, layer.table_exponent);
    const double low = layer.lo < 0 ? -128 : 0;
    const double code = clamp(round_to(value, layer.table_exponent), low * step, (low + 255) * step) / step;
    const int byte = layer.table[index(static_cast<int>(code < 0 ? code + 256 : code))];
    return (to.is_signed && byte > 127 ? byte - 256 : byte) * std::pow(2.0, to.exponents[0]);
  }

  double convolution(const qnet::Layer& layer, const qnet::Tensor& from, const qnet::Tensor& to, const Map& in, int y,
                     int x, int k, const Map* residual, std::size_t place) const {
    const int group_in = from.channels / layer.groups, group_out = to.channels / layer.groups;
    const int first = k / group_out * group_in;
    bool half_steps = false;
    for (const int c : layer.offsets) half_steps = half_steps || c != 0;
    const int exponent = from.exponent(first) + layer.weight_exponents[index(k)] - (half_steps ? 1 : 0);
    double sum = layer.bias[index(k)] * std::pow(2.0, exponent);
    const double unit = std::pow(2.0, layer.weight_exponents[index(k)]);
    for (int c = 0; c < group_in; ++c)
      each_tap(layer, from, in, y, x, first + c, false, [&](double a, std::size_t tap) {
        const std::size_t window = index(layer.kernel_h) * index(layer.kernel_w);
        const double code = layer.weights[(index(k) * window + tap) * index(group_in) + index(c)];
        sum += a * (code + layer.offsets[index(k)] / 2.0) * unit;
      });
    if (residual != nullptr) sum += round_to((*residual)[place], exponent);
    return sum;
  }

  /// Calls use(value, tap) for each position of the window over channel c; those in the padding have the pad value, or
  /// are left out for pools.
  template <typename Use>
  void each_tap(const qnet::Layer& layer, const qnet::Tensor& from, const Map& in, int y, int x, int c,
                bool inside_only, Use use) const {
    std::size_t tap = 0;
    for (int ky = 0; ky < layer.kernel_h; ++ky)
      for (int kx = 0; kx < layer.kernel_w; ++kx, ++tap) {
        const int row = y * layer.stride_h - layer.pad_top + ky * layer.dilation_h;
        const int column = x * layer.stride_w - layer.pad_left + kx * layer.dilation_w;
        const bool inside = row >= 0 && row < from.height && column >= 0 && column < from.width;
        if (!inside && inside_only) continue;
        const double padding = layer.pad_values.empty() ? 0.0 : layer.pad_values[index(c)];
        use(inside ? in[(index(row) * index(from.width) + index(column)) * index(from.channels) + index(c)] : padding,
            tap);
      }
  }

  const qnet::Network& network_;
};

}  // namespace shiftsim::quantizer
