#include "sim/compiler/layer_view.h"

#include <algorithm>
#include <cstdlib>

#include "common/error.h"

namespace shiftsim::sim {
namespace {

/// A stem's input has so few channels that the DMA packs whole windows along the channels.
constexpr int kStemChannels = 4;

/// Radix-4 Booth digits (two bits each) that a two's complement value needs.
int digits_for(int value) {
  int bits = 2;
  while (value < -(1 << (bits - 1)) || value >= (1 << (bits - 1))) bits += 2;
  return bits / 2;
}

std::size_t weight_index(const qnet::Layer& layer, int in_per_group, int k, int ky, int kx, int c) {
  return static_cast<std::size_t>(((k * layer.kernel_h + ky) * layer.kernel_w + kx) * in_per_group + c);
}

/// Where a step of the reduction stands: tap and sub-block.
struct StepPosition {
  int ky, kx, word, sub;
};

StepPosition position(const LayerView& view, const Geometry& g, int step) {
  const int per_tap = (view.words - 1) * g.sub_blocks() + view.sub_last;
  const int tap = step / per_tap, rest = step % per_tap;
  return {tap / view.kernel_w, tap % view.kernel_w, rest / g.sub_blocks(), rest % g.sub_blocks()};
}

}  // namespace

int array_weight(const qnet::Layer& layer, const LayerView& view, int in_per_group, int k, int ky, int kx, int c) {
  if (!qnet::row_of(layer.kind).has_weights) return qnet::row_of(layer.kind).fixed_weight;
  const int q = layer.weights[weight_index(layer, in_per_group, k, ky, kx, c)];
  return view.widened ? 2 * q + layer.offsets[static_cast<std::size_t>(k)] : q;
}

LayerView view_layer(const qnet::Network& network, const qnet::Layer& layer, const Geometry& g) {
  const qnet::Tensor& in = network.in(layer);
  const qnet::Tensor& out = network.out(layer);
  LayerView view;
  view.kernel_h = layer.kernel_h;
  view.kernel_w = layer.kernel_w;
  view.stride_h = layer.stride_h;
  view.stride_w = layer.stride_w;
  view.dilation_h = layer.dilation_h;
  view.dilation_w = layer.dilation_w;
  view.pad_top = layer.pad_top;
  view.pad_left = layer.pad_left;
  view.wide = out.bits == qnet::kLogitsBits;
  const qnet::LayerKindRow& kind = qnet::row_of(layer.kind);
  const int in_per_group = in.channels / layer.groups, out_per_group = out.channels / layer.groups;

  if (layer.keeps_channels_apart(in.channels)) {
    // One input channel per output channel: lane 0 of each PE.
    view.mode = kind.reduction == qnet::Reduction::kMax ? Mode::kMax : Mode::kDepthwise;
    view.shared_input = false;
    view.steps = view.kernel_h * view.kernel_w;
    const int repeat = kind.has_weights ? out_per_group : 1;
    for (int k = 0; k < out.channels; k += g.channels) {
      const int count = std::min(g.channels, out.channels - k);
      view.tiles.push_back({k, count, k, count, repeat});
    }
    if (layer.has_offset()) {
      view.widened = true;
      for (int k = 0; k < out.channels; ++k)
        for (int ky = 0; ky < layer.kernel_h; ++ky)
          for (int kx = 0; kx < layer.kernel_w; ++kx)
            view.planes = std::max(view.planes, digits_for(array_weight(layer, view, 1, k, ky, kx, 0)));
    } else {
      view.planes = kind.has_weights ? layer.weight_bits / 2 : digits_for(kind.fixed_weight);
    }
    return view;
  }

  view.has_offset = layer.has_offset();
  view.planes = layer.weight_bits / 2;
  int depth = in_per_group;
  const int taps = layer.kernel_h * layer.kernel_w;
  if (layer.groups == 1 && in.channels <= kStemChannels && taps > 1 &&
      ceil_div(taps * in.channels, g.lanes) < taps * ceil_div(in.channels, g.lanes)) {
    view.im2row = true;
    depth = taps * in.channels;
    view.kernel_h = view.kernel_w = view.stride_h = view.stride_w = view.dilation_h = view.dilation_w = 1;
    view.pad_top = view.pad_left = 0;
  }
  view.words = ceil_div(depth, g.channels);
  view.sub_last = ceil_div(depth - (view.words - 1) * g.channels, g.lanes);
  view.steps = view.kernel_h * view.kernel_w * ((view.words - 1) * g.sub_blocks() + view.sub_last);
  view.shared_input = layer.groups == 1;
  for (int group = 0; group < layer.groups; ++group)
    for (int k = 0; k < out_per_group; k += g.channels)
      view.tiles.push_back(
          {group * out_per_group + k, std::min(g.channels, out_per_group - k), group * in_per_group, in_per_group, 1});
  return view;
}

/// From one output row to the next, the input moves on by a whole window: to the next image.
void stack_images(LayerView& view) {
  view.stacked = true;
  view.stride_h = view.halo_h();
}

void append_weight_word(const qnet::Network& network, const qnet::Layer& layer, const LayerView& view,
                        const Geometry& g, const ChannelTile& tile, int step, int plane,
                        std::vector<std::uint8_t>& image) {
  const qnet::Tensor& in = network.in(layer);
  const int in_per_group = in.channels / layer.groups;
  const std::size_t start = image.size();
  image.resize(start + static_cast<std::size_t>(g.wgt_word_bytes()));
  // Plane 0 of the view is the most significant digit.
  const int low_bit = 2 * (view.planes - 1 - plane);
  const StepPosition at = position(view, g, step);
  for (int n = 0; n < tile.channels; ++n)
    for (int l = 0; l < (view.mode == Mode::kConv ? g.lanes : 1); ++l) {
      int weight = 0;
      if (view.mode != Mode::kConv) {
        weight = array_weight(layer, view, 1, tile.k0 + n, at.ky, at.kx, 0);
      } else {
        const int within = at.sub * g.lanes + l, c = at.word * g.channels + within;
        if (within >= g.channels || c >= (view.im2row ? layer.kernel_h * layer.kernel_w * in.channels : in_per_group))
          continue;
        weight = view.im2row ? array_weight(layer, view, in_per_group, tile.k0 + n, c / in.channels / layer.kernel_w,
                                            c / in.channels % layer.kernel_w, c % in.channels)
                             : array_weight(layer, view, in_per_group, tile.k0 + n, at.ky, at.kx, c);
      }
      const int i = n * g.lanes + l;
      image[start + static_cast<std::size_t>(i / 4)] |=
          static_cast<std::uint8_t>(((weight >> low_bit) & 3) << (2 * (i % 4)));
    }
}

void append_table_words(const qnet::Network& network, const qnet::Layer& layer, const LayerView& view,
                        const Geometry& g, const ChannelTile& tile, std::vector<std::uint8_t>& image) {
  const qnet::Tensor& out = network.out(layer);
  for (int beat = 0; beat < g.ppu_beats(); ++beat)
    for (int lane = 0; lane < g.ppu_lanes; ++lane) {
      const int n = beat * g.ppu_lanes + lane;
      TableEntry entry;
      if (n < tile.channels) {
        const auto k = static_cast<std::size_t>(tile.k0 + n);
        entry.n = layer.shifts.empty() ? 0 : layer.shifts[k];
        std::int64_t bias = layer.bias.empty() ? 0 : layer.bias[k];
        if (entry.n > 0) bias += std::int64_t{1} << (entry.n - 1);
        SHIFTSIM_CHECK(bias >= INT32_MIN && bias <= INT32_MAX,
                       "layer {}: bias {} with the rounding half exceeds 32 bits", layer.name, bias);
        entry.bias = static_cast<std::int32_t>(bias);
        if (view.has_offset) entry.c = layer.offsets[k];
        if (layer.residual >= 0) entry.rs = layer.residual_shifts[k];
        const int hi = view.wide ? 0 : view.mode == Mode::kMax ? out.high() : layer.hi[k];
        entry.hi = static_cast<std::uint32_t>(hi);
      }
      const std::uint64_t packed = pack(entry);
      for (int byte = 0; byte < 7; ++byte) image.push_back(static_cast<std::uint8_t>(packed >> (8 * byte)));
    }
}

}  // namespace shiftsim::sim
