// The integer contract transcribed line by line in 64 bits: slow, obvious, and written apart from qnet/golden, so that
// tests of any engine have something independent to compare with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::qnet::reference {

using Codes = std::vector<std::int64_t>;  ///< NHWC

/// rs(r, s) of the contract.
inline std::int64_t residual_shift(std::int64_t r, int s) {
  if (s >= 0) return r * (std::int64_t{1} << s);
  return (r + (std::int64_t{1} << (-s - 1))) >> -s;
}

/// Requantization without the clamp.
inline std::int64_t requantize(std::int64_t x, int n) {
  if (n > 0) return (x + (std::int64_t{1} << (n - 1))) >> n;
  return x * (std::int64_t{1} << -n);
}

/// One layer. 'residual' is empty where the layer has none.
inline Codes run_layer(const Network& network, const Layer& layer, const Codes& input, const Codes& residual) {
  const Tensor& in = network.in(layer);
  const Tensor& out = network.out(layer);
  const bool logits = out.bits == kLogitsBits;
  const bool has_offset = layer.has_offset();
  Codes output(out.size());
  if (layer.is_view()) {
    // The whole of what is joined stands in 'at'; then a part is shown.
    const Tensor& second = network.tensors[static_cast<std::size_t>(std::max(layer.residual, 0))];
    const auto at = [&](int y, int x, int c) {
      bool joined = layer.view.join == JoinAxis::kChannels && c >= in.channels;
      if (joined) c -= in.channels;
      if (layer.view.join == JoinAxis::kHeight && y >= in.height) {
        joined = true;
        y -= in.height;
      }
      if (layer.view.join == JoinAxis::kWidth && x >= in.width) {
        joined = true;
        x -= in.width;
      }
      const Tensor& of = joined ? second : in;
      return (joined ? residual : input)[static_cast<std::size_t>((y * of.width + x) * of.channels + c)];
    };
    std::size_t i = 0;
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x)
        for (const std::int32_t c : layer.channels)
          output[i++] =
              at(layer.view.crop_top + y / layer.view.upsample_h, layer.view.crop_left + x / layer.view.upsample_w, c);
    return output;
  }
  for (int oy = 0; oy < out.height; ++oy) {
    for (int ox = 0; ox < out.width; ++ox) {
      for (int k = 0; k < out.channels; ++k) {
        // The input channels that this output channel sees.
        int first = k, count = 1;
        if (layer.kind == LayerKind::kConv) {
          count = in.channels / layer.groups;
          first = k / (out.channels / layer.groups) * count;
        }
        std::int64_t a_sum = 0, s_sum = 0, largest = in.low();
        for (int ky = 0; ky < layer.kernel_h; ++ky) {
          for (int kx = 0; kx < layer.kernel_w; ++kx) {
            const int iy = oy * layer.stride_h - layer.pad_top + ky * layer.dilation_h;
            const int ix = ox * layer.stride_w - layer.pad_left + kx * layer.dilation_w;
            const bool inside = iy >= 0 && iy < in.height && ix >= 0 && ix < in.width;
            for (int c = 0; c < count; ++c) {
              const int channel = first + c;
              std::int64_t a = 0;
              if (inside) {
                a = input[static_cast<std::size_t>((iy * in.width + ix) * in.channels + channel)];
                largest = std::max(largest, a);
              } else if (!layer.pad_values.empty()) {
                a = layer.pad_values[static_cast<std::size_t>(channel)];
              }
              if (layer.kind == LayerKind::kConv) {
                const int w = ((k * layer.kernel_h + ky) * layer.kernel_w + kx) * count + c;
                a_sum += a * layer.weights[static_cast<std::size_t>(w)];
              }
              s_sum += a;
            }
          }
        }
        const auto at = static_cast<std::size_t>((oy * out.width + ox) * out.channels + k);
        const auto ch = static_cast<std::size_t>(k);
        if (layer.kind == LayerKind::kMaxPool) {
          output[at] = largest;
          continue;
        }
        std::int64_t x = s_sum;
        if (layer.kind == LayerKind::kConv) {
          x = has_offset ? 2 * a_sum + layer.offsets[ch] * s_sum : a_sum;
          x += layer.bias[ch];
        }
        if (layer.residual >= 0) x += residual_shift(residual[at], layer.residual_shifts[ch]);
        const std::int64_t y = requantize(x, layer.shifts[ch]);
        output[at] = logits ? y : std::min<std::int64_t>(std::max<std::int64_t>(y, layer.lo), layer.hi[ch]);
        if (layer.activation != Activation::kTable) continue;
        // Two's complement: -1 is index 255, and byte 255 is -1 where the output is signed.
        const std::int64_t index = output[at] < 0 ? output[at] + 256 : output[at];
        const std::int64_t entry = layer.table[static_cast<std::size_t>(index)];
        output[at] = out.is_signed && entry >= 128 ? entry - 256 : entry;
      }
    }
  }
  return output;
}

/// Every tensor of one image.
inline std::vector<Codes> run(const Network& network, const std::uint8_t* image) {
  std::vector<Codes> tensors(network.tensors.size());
  tensors[0].assign(image, image + network.input().size());
  for (const Layer& layer : network.layers) {
    const Codes none;
    const Codes& residual = layer.residual >= 0 ? tensors[static_cast<std::size_t>(layer.residual)] : none;
    tensors[static_cast<std::size_t>(layer.output)] =
        run_layer(network, layer, tensors[static_cast<std::size_t>(layer.input)], residual);
  }
  return tensors;
}

}  // namespace shiftsim::qnet::reference
