#include "sim/transaction/value_counts.h"

#include <numeric>

#include "common/thread_pool.h"
#include "sim/compiler/layer_view.h"

namespace shiftsim::sim {
namespace {

/// Radix-4 Booth digits of a weight that are not 0: of digit i, bits 2i+1, 2i and 2i-1 are not all the same.
int nonzero_digits(int weight, int planes) {
  int count = 0;
  for (int i = 0; i < planes; ++i) {
    const int bits = (i == 0 ? weight * 2 : weight >> (2 * i - 1)) & 7;
    count += bits != 0 && bits != 7;
  }
  return count;
}

/// [ky][kx][c]: output pixels whose window holds a nonzero activation there.
std::vector<std::int64_t> nonzeros_by_tap(const qnet::Network& network, const qnet::Layer& layer,
                                          const std::vector<std::int32_t>& input) {
  const qnet::Tensor& in = network.in(layer);
  const qnet::Tensor& out = network.out(layer);
  const auto channels = static_cast<std::size_t>(in.channels);
  std::vector<std::int32_t> padding(channels);
  if (!layer.pad_values.empty()) padding.assign(layer.pad_values.begin(), layer.pad_values.end());
  std::vector<std::int64_t> result(static_cast<std::size_t>(layer.kernel_h * layer.kernel_w) * channels);
  for (int tap = 0; tap < layer.kernel_h * layer.kernel_w; ++tap) {
    std::int64_t* const counts = result.data() + static_cast<std::size_t>(tap) * channels;
    for (int oy = 0; oy < out.height; ++oy) {
      const int y = oy * layer.stride_h - layer.pad_top + tap / layer.kernel_w * layer.dilation_h;
      for (int ox = 0; ox < out.width; ++ox) {
        const int x = ox * layer.stride_w - layer.pad_left + tap % layer.kernel_w * layer.dilation_w;
        const bool inside = y >= 0 && y < in.height && x >= 0 && x < in.width;
        const auto pixel = static_cast<std::size_t>(inside ? std::int64_t{y} * in.width + x : 0);
        const std::int32_t* const values = inside ? input.data() + pixel * channels : padding.data();
        for (std::size_t c = 0; c < channels; ++c) counts[c] += values[c] != 0;
      }
    }
  }
  return result;
}

/// [tap][c of all groups' input channels]: nonzero digits of the weights that the activation there meets. Of layers
/// that keep channels apart, several output channels may read one input channel.
std::vector<std::int64_t> digits_by_tap(const qnet::Network& network, const qnet::Layer& layer, const LayerView& view) {
  const qnet::Tensor& in = network.in(layer);
  const qnet::Tensor& out = network.out(layer);
  const bool conv = layer.kind == qnet::LayerKind::kConv;
  const int groups = conv ? layer.groups : in.channels;
  const int in_per_group = in.channels / groups, out_per_group = out.channels / groups;
  const auto channels = static_cast<std::size_t>(in.channels);
  std::vector<std::int64_t> result(static_cast<std::size_t>(layer.kernel_h * layer.kernel_w) * channels);
  for (int k = 0; k < out.channels; ++k) {
    const int first = k / out_per_group * in_per_group;
    for (int tap = 0; tap < layer.kernel_h * layer.kernel_w; ++tap) {
      std::int64_t* const digits =
          result.data() + static_cast<std::size_t>(tap) * channels + static_cast<std::size_t>(first);
      for (int c = 0; c < in_per_group; ++c) {
        const int weight = array_weight(layer, view, in_per_group, k, tap / layer.kernel_w, tap % layer.kernel_w, c);
        digits[c] += nonzero_digits(weight, view.planes);
      }
    }
  }
  return result;
}

ValueCounts count_layer(const qnet::Network& network, const qnet::Layer& layer, const qnet::ImageTrace& tensors) {
  ValueCounts counts;
  if (layer.is_view()) return counts;
  // Which digits there are does not depend on the array.
  const LayerView view = view_layer(network, layer, Geometry{});
  if (view.mode == Mode::kMax) return counts;
  const std::vector<std::int64_t> nonzeros =
      nonzeros_by_tap(network, layer, tensors[static_cast<std::size_t>(layer.input)]);
  const std::vector<std::int64_t> digits = digits_by_tap(network, layer, view);
  for (std::size_t i = 0; i < digits.size(); ++i) counts.digit_adds += digits[i] * nonzeros[i];
  if (!view.has_offset) return counts;
  counts.window_nonzeros = std::accumulate(nonzeros.begin(), nonzeros.end(), std::int64_t{0});
  return counts;
}

}  // namespace

ValueCounts& ValueCounts::operator+=(const ValueCounts& other) {
  digit_adds += other.digit_adds;
  window_nonzeros += other.window_nonzeros;
  return *this;
}

std::vector<ValueCounts> count_values(const qnet::Network& network, const qnet::ImageTrace& tensors) {
  std::vector<ValueCounts> counts;
  for (const qnet::Layer& layer : network.layers) counts.push_back(count_layer(network, layer, tensors));
  return counts;
}

std::vector<ValueCounts> count_values(const qnet::Network& network, const ImageSet& images, std::size_t count,
                                      int threads) {
  const qnet::Golden golden(network);
  std::vector<std::vector<ValueCounts>> of_image(count);
  parallel_for(count, thread_count(threads),
               [&](std::size_t i, std::size_t) { of_image[i] = count_values(network, golden.trace(images.image(i))); });
  std::vector<ValueCounts> sum(network.layers.size());
  for (const std::vector<ValueCounts>& counts : of_image)
    for (std::size_t layer = 0; layer < sum.size(); ++layer) sum[layer] += counts[layer];
  return sum;
}

void add_values(const LayerView& view, int groups, const ValueCounts& counts, Events& events) {
  events.mac_digit_adds_active += counts.digit_adds;
  events.mac_digit_adds_gated -= counts.digit_adds;
  // The S column adds up a window once for each tile of its group's output channels; groups have equally many.
  const auto tiles_a_group = static_cast<std::int64_t>(view.tiles.size()) / groups;
  events.offset_column_adds += tiles_a_group * counts.window_nonzeros;
}

}  // namespace shiftsim::sim
