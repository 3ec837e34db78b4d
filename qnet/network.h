// The integer network: what quantrun writes and every engine executes. docs/integer-contract.md gives its meaning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qnet/layer_kind.h"
#include "qnet/view_geometry.h"

namespace shiftsim::qnet {

/// Version of the .qnet folder's format; readers refuse others.
inline constexpr int kFormatVersion = 1;
inline constexpr int kLogitsBits = 32;
/// Bits of the code that an activation table is indexed by, and its entries.
inline constexpr int kTableInputBits = 8;
inline constexpr std::size_t kTableEntries = std::size_t{1} << kTableInputBits;

/// An activation tensor, NHWC, batch left out.
struct Tensor {
  std::string name;
  int height = 1, width = 1, channels = 1;
  int bits = 8;  ///< 2, 4 or 8; 32 for the logits; of a view any width up to 8
  bool is_signed = false;
  /// value = q * 2^exponent: one for the tensor, or one per channel where every reader keeps channels apart.
  std::vector<int> exponents{0};

  int exponent(int channel) const {
    return exponents.size() == 1 ? exponents[0] : exponents[static_cast<std::size_t>(channel)];
  }
  int low() const { return is_signed ? -(1 << (bits - 1)) : 0; }         ///< smallest code (bits <= 8)
  int high() const { return (1 << (is_signed ? bits - 1 : bits)) - 1; }  ///< largest code (bits <= 8)
  std::size_t size() const {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
};

/// Whether a convolution's channels do not mix: each output channel reads one input channel.
constexpr bool is_depthwise(int groups, int input_channels) {
  return groups > 1 && groups == input_channels;
}

/// One layer: input (and residual) tensor to output tensor. Arrays indexed by output channel k have output.channels
/// elements.
struct Layer {
  std::string name;
  LayerKind kind = LayerKind::kConv;
  /// Indices into Network::tensors. 'residual' is added to the result, or is what a view joins to its input; -1: none.
  int input = -1, residual = -1, output = -1;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int groups = 1;                             ///< 1 for pooling
  int weight_bits = 8;                        ///< 2, 4 or 8 (conv)
  Activation activation = Activation::kNone;  ///< says where lo and hi come from
  int lo = 0;                                 ///< lower clamp; 0 (unused) for logits and max pooling

  std::vector<std::int8_t> weights;           ///< conv: [k][ky][kx][input channels / groups]
  std::vector<std::int8_t> weight_exponents;  ///< conv: ew[k]
  std::vector<std::int8_t> offsets;           ///< conv: c[k], half steps; all 0: no offset column
  std::vector<std::int32_t> bias;             ///< conv: at ea[k], without the rounding half
  std::vector<std::int8_t> shifts;           ///< conv, sum_pool: n[k] = e - ea[k], e that of the output or of the table
  std::vector<std::int8_t> residual_shifts;  ///< with a residual: e_r - ea[k]
  std::vector<std::uint8_t> hi;              ///< upper clamp per channel; empty for logits and max pooling
  /// With Activation::kTable: the code of the output, a byte of two's complement, for each clamped 8-bit code; indexed
  /// by that code's bits. lo and hi are the whole range of 8 bits, signed or unsigned.
  std::vector<std::uint8_t> table;
  int table_exponent = 0;                ///< of the codes that index the table
  std::vector<std::uint8_t> pad_values;  ///< per input channel; empty: zeros (pixels only)
  /// view: the source of each output channel. Below the input's channels: that channel of the input (of both tensors
  /// where pixels are joined). From there on: of 'residual'.
  std::vector<std::int32_t> channels;
  ViewGeometry view;  ///< view: the source of each pixel

  bool has_offset() const;  ///< some c[k] is not 0
  bool has_table() const { return activation == Activation::kTable; }
  bool is_view() const { return row_of(kind).is_view; }
  /// Whether channels do not mix: depthwise convolutions and pools.
  bool keeps_channels_apart(int input_channels) const {
    return !row_of(kind).has_weights || is_depthwise(groups, input_channels);
  }
};

/// How raw pixels became the float network's input: (pixel / scale - mean) / std. Folded into the first layer; kept for
/// the reports.
struct InputSpec {
  std::vector<double> mean{0.0}, std_dev{1.0};
  double scale = 255.0;
};

/// Where the network came from; shown in reports.
struct Provenance {
  std::string tool, recipe, recipe_hash, model, model_hash, calibration;
  std::int64_t seed = 0;
  int calibration_images = 0;
  std::string method;          ///< "nearest", "rapq", ...
  double float_accuracy = -1;  ///< %, or -1 where no labelled images were given
  int float_accuracy_images = 0;
};

struct Network {
  std::string name;
  InputSpec input_spec;
  Provenance provenance;
  std::vector<Tensor> tensors;  ///< [0] is the image
  std::vector<Layer> layers;    ///< in an order in which each may be executed; the last gives the logits

  /// Whether its output is one value per class, and not a map.
  bool is_classifier() const { return output().height == 1 && output().width == 1; }
  const Tensor& input() const { return tensors.front(); }
  const Tensor& output() const { return tensors[static_cast<std::size_t>(layers.back().output)]; }
  const Tensor& in(const Layer& layer) const { return tensors[static_cast<std::size_t>(layer.input)]; }
  const Tensor& out(const Layer& layer) const { return tensors[static_cast<std::size_t>(layer.output)]; }
};

/// Multiply-accumulates of one image through this layer, as the literature counts them (0 for pooling, bias not
/// counted).
std::int64_t macs(const Network& network, const Layer& layer);

/// Checks all that the contract promises of a network: indices, shapes, ranges, exponents that agree with the shift
/// tables, and that no input can overflow 32 bits. Throws UserError naming 'where' (the folder), the layer and the
/// array.
void validate(const Network& network, const std::string& where);

}  // namespace shiftsim::qnet
