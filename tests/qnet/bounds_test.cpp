// Bounds against every input of tiny layers: sound (nothing lies outside) and tight (both ends are reached).
#include "qnet/bounds.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/qnet/reference.h"

namespace shiftsim::qnet {
namespace {

/// The smallest and largest of what was seen.
struct Seen {
  std::int64_t low = INT64_MAX, high = INT64_MIN;
  void add(std::int64_t value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

void expect_equal(const Interval& found, const Seen& expected, const char* what) {
  EXPECT_EQ(found.low, expected.low) << what;
  EXPECT_EQ(found.high, expected.high) << what;
}

struct Tiny {
  Network network;
  std::mt19937_64 random;

  explicit Tiny(std::uint64_t seed) : random(seed) {
    Layer layer;
    const bool depthwise = below(3) == 0;
    Tensor in{"in", 1 + below(2), 1 + below(3), depthwise ? 2 : 1, 2, below(2) == 0, {0}};
    if (in.size() > 6) in.width = 1;
    layer.kernel_h = 1 + below(2);
    layer.kernel_w = 1 + below(3);
    layer.pad_top = below(2);
    layer.pad_bottom = layer.kernel_h;  // so that there is always an output
    layer.pad_left = below(2);
    layer.pad_right = layer.kernel_w;
    layer.stride_h = 1 + below(2);
    layer.stride_w = 1 + below(2);
    layer.groups = in.channels;
    layer.input = 0;
    layer.output = 1;
    Tensor out{"out",
               (in.height + layer.pad_top + layer.pad_bottom - layer.kernel_h) / layer.stride_h + 1,
               (in.width + layer.pad_left + layer.pad_right - layer.kernel_w) / layer.stride_w + 1,
               2,
               4,
               true,
               {0}};
    const auto weights = static_cast<std::size_t>(2 * layer.kernel_h * layer.kernel_w);
    for (std::size_t i = 0; i < weights; ++i) layer.weights.push_back(static_cast<std::int8_t>(below(16) - 8));
    const bool offsets = below(2) == 0;
    for (int k = 0; k < 2; ++k) {
      layer.offsets.push_back(static_cast<std::int8_t>(offsets ? below(16) - 8 : 0));
      layer.bias.push_back(below(201) - 100);
      layer.shifts.push_back(static_cast<std::int8_t>(below(7) - 3));
      layer.hi.push_back(7);
    }
    layer.lo = -8;
    if (!in.is_signed && below(3) == 0) {
      for (int c = 0; c < in.channels; ++c) layer.pad_values.push_back(static_cast<std::uint8_t>(below(4)));
    }
    network.tensors = {in, out};
    if (below(2) == 0) {
      Tensor residual = out;
      residual.bits = 4;
      residual.is_signed = below(2) == 0;
      network.tensors.push_back(residual);
      layer.residual = 2;
      for (int k = 0; k < 2; ++k) layer.residual_shifts.push_back(static_cast<std::int8_t>(below(8) - 4));
    }
    network.layers = {layer};
  }

  int below(int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); }
};

/// A window's sum with these weights, padding included.
std::int64_t window(const Network& network, const reference::Codes& input, int oy, int ox, int k, int scale,
                    int shift) {
  const Layer& layer = network.layers[0];
  const Tensor& in = network.in(layer);
  const int channel = in.channels == 1 ? 0 : k;
  std::int64_t sum = 0;
  for (int ky = 0; ky < layer.kernel_h; ++ky) {
    for (int kx = 0; kx < layer.kernel_w; ++kx) {
      const int iy = oy * layer.stride_h - layer.pad_top + ky, ix = ox * layer.stride_w - layer.pad_left + kx;
      std::int64_t a = layer.pad_values.empty() ? 0 : layer.pad_values[static_cast<std::size_t>(channel)];
      if (iy >= 0 && iy < in.height && ix >= 0 && ix < in.width) {
        a = input[static_cast<std::size_t>((iy * in.width + ix) * in.channels + channel)];
      }
      sum += a *
             (scale * layer.weights[static_cast<std::size_t>((k * layer.kernel_h + ky) * layer.kernel_w + kx)] + shift);
    }
  }
  return sum;
}

TEST(Bounds, AreExactForEveryInputOfTinyLayers) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Tiny tiny(seed);
    const Network& network = tiny.network;
    const Layer& layer = network.layers[0];
    const Tensor& in = network.in(layer);
    const Tensor& out = network.out(layer);
    const bool offset = layer.has_offset();
    Seen accumulator, widened, ppu;
    reference::Codes input(in.size(), in.low());
    for (bool more = true; more;) {
      for (int oy = 0; oy < out.height; ++oy) {
        for (int ox = 0; ox < out.width; ++ox) {
          for (int k = 0; k < 2; ++k) {
            const auto i = static_cast<std::size_t>(k);
            const std::int64_t a = window(network, input, oy, ox, k, 1, 0), s = window(network, input, oy, ox, k, 0, 1);
            const std::int64_t acc = offset ? 2 * a + layer.offsets[i] * s : a;
            accumulator.add(a);
            if (offset) accumulator.add(s);
            widened.add(acc);
            ppu.add(acc);
            ppu.add(acc + layer.bias[i]);
            auto requantize = [&](std::int64_t x) {
              ppu.add(layer.shifts[i] > 0 ? x + (1 << (layer.shifts[i] - 1)) : x * (1 << -layer.shifts[i]));
            };
            if (layer.residual < 0) {
              requantize(acc + layer.bias[i]);
              continue;
            }
            const Tensor& residual = network.tensors[2];
            for (int r = residual.low(); r <= residual.high(); ++r) {
              const std::int64_t shifted = reference::residual_shift(r, layer.residual_shifts[i]);
              ppu.add(shifted);
              ppu.add(acc + layer.bias[i] + shifted);
              requantize(acc + layer.bias[i] + shifted);
            }
          }
        }
      }
      // The next input, as a number with a digit for each code.
      std::size_t digit = 0;
      while (digit < input.size() && ++input[digit] > in.high()) input[digit++] = in.low();
      more = digit < input.size();
    }
    const LayerBounds found = bounds(network, layer);
    expect_equal(found.accumulator, accumulator, "accumulator");
    expect_equal(found.widened, widened, "widened");
    expect_equal(found.ppu, ppu, "ppu");
    if (HasFailure()) return;
  }
}

TEST(Bounds, SumPoolIsExact) {
  Network network;
  network.tensors = {{"in", 3, 3, 1, 4, true, {0}}, {"out", 2, 2, 1, 8, true, {2}}};
  Layer layer;
  layer.kind = LayerKind::kSumPool;
  layer.input = 0;
  layer.output = 1;
  layer.kernel_h = layer.kernel_w = 2;
  layer.shifts = {2};
  network.layers = {layer};
  const LayerBounds found = bounds(network, layer);
  EXPECT_EQ(found.accumulator.low, -32);
  EXPECT_EQ(found.accumulator.high, 28);
  EXPECT_EQ(found.ppu.high, 30);  // with the rounding half
}

TEST(Bounds, BitsOfTwosComplement) {
  EXPECT_EQ((Interval{0, 0}.bits()), 1);
  EXPECT_EQ((Interval{-1, 0}.bits()), 1);
  EXPECT_EQ((Interval{0, 1}.bits()), 2);
  EXPECT_EQ((Interval{-128, 127}.bits()), 8);
  EXPECT_EQ((Interval{-129, 0}.bits()), 9);
  EXPECT_EQ((Interval{0, 128}.bits()), 9);
  EXPECT_EQ((Interval{INT32_MIN, INT32_MAX}.bits()), 32);
  EXPECT_EQ((Interval{0, std::int64_t{INT32_MAX} + 1}.bits()), 33);
}

}  // namespace
}  // namespace shiftsim::qnet
