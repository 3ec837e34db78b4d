// A layer as the array sees it: what is a convolution, what runs depthwise, which channels make a tile.
#pragma once

#include <vector>

#include "qnet/network.h"
#include "sim/core/commands.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {

/// Up to N output channels computed together, and the input channels they read.
struct ChannelTile {
  int k0 = 0, channels = 1;      ///< output channels
  int in0 = 0, in_channels = 1;  ///< channels of the load (before dividing by 'repeat')
  int repeat = 1;                ///< depthwise multiplier
};

struct LayerView {
  Mode mode = Mode::kConv;
  bool im2row = false, widened = false, has_offset = false, wide = false;
  int planes = 1;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, pad_top = 0, pad_left = 0;
  int words = 1;             ///< activation words per pixel (CW)
  int sub_last = 1;          ///< sub-blocks used of the last word
  int steps = 1;             ///< array steps per pixel and plane
  bool shared_input = true;  ///< all channel tiles read the same input channels
  /// The images of a batch stand below each other, as the rows of one map: see stack_images().
  bool stacked = false;
  std::vector<ChannelTile> tiles;

  int halo_h() const { return (kernel_h - 1) * dilation_h + 1; }
  int halo_w() const { return (kernel_w - 1) * dilation_w + 1; }
  /// Words of the output scratchpad a pixel: 32-bit outputs take four.
  int words_per_output() const { return wide ? 4 : 1; }
};

LayerView view_layer(const qnet::Network& network, const qnet::Layer& layer, const Geometry& g);

/// Of a layer whose output is one pixel an image: a tile may then hold several images, and slots of the array that
/// would have no pixel compute other images with the same weights.
void stack_images(LayerView& view);

/// The integer that the array multiplies by: q, or 2q + c where the offset is widened into the weight; 1 for pools.
/// 'in_per_group': input channels of a group; k: output channel; c: input channel in its group.
int array_weight(const qnet::Layer& layer, const LayerView& view, int in_per_group, int k, int ky, int kx, int c);

/// The weight word of a step and plane for a channel tile: 2NL pair bits, appended to 'image' (wgt_word_bytes).
void append_weight_word(const qnet::Network& network, const qnet::Layer& layer, const LayerView& view,
                        const Geometry& g, const ChannelTile& tile, int step, int plane,
                        std::vector<std::uint8_t>& image);

/// The tile's QB words of the table, rounding half folded into the bias.
void append_table_words(const qnet::Network& network, const qnet::Layer& layer, const LayerView& view,
                        const Geometry& g, const ChannelTile& tile, std::vector<std::uint8_t>& image);

}  // namespace shiftsim::sim
