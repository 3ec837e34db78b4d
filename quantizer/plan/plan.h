// The integer network's structure, decided before any value is quantized: layers, tensors, bit widths.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "qnet/layer_kind.h"
#include "quantizer/float/layer_op.h"
#include "quantizer/graph/graph.h"
#include "quantizer/recipe/recipe.h"
#include "quantizer/search/activation_search.h"

namespace shiftsim::quantizer {

/// A tensor of the integer network. In float it stands for the graph's node value times 'factor'.
struct PlannedTensor {
  std::string name;
  Shape shape;
  ActivationRange range;  ///< not for the logits
  bool is_logits = false;
  int node = -1;                ///< of the graph
  bool per_channel = false;     ///< an exponent for each channel: every reader keeps the channels apart
  std::optional<int> exponent;  ///< where it is decided already, and not to be searched
  bool is_joined = false;       ///< a view joins it to others: one exponent for all, decided with theirs
  double factor = 1;            ///< number of pixels of a sum's window: its tensor holds the sum, not the mean
  std::string policy;           ///< why it has these bits: "activation", "stem", "residual", "linear", "pool", ...
};

/// A layer of the integer network, with the float weights it approximates. These act on tensors as the integer network
/// has them: what normalizes the pixels and what divides a sum by its pixels is already folded in. A layer that reads
/// the image sees pixel - pad_value, so that padding is 0 for it too.
struct PlannedLayer {
  std::string name;
  qnet::LayerKind kind = qnet::LayerKind::kConv;
  int input = -1, residual = -1, output = -1;  ///< tensors; a view joins 'residual' to its input
  ConvGeometry geometry;                       ///< of the window, for every kind
  qnet::Activation activation = qnet::Activation::kNone;
  int node =
      -1;  ///< the graph's convolution or pool; its BatchNorm statistics are there. -1: a copy made for an addition
  int weight_bits = 8;
  std::string policy;                      ///< why it has these bits: "weights", "first", "last", "exact", "layers"
  std::optional<ScalarFunction> function;  ///< of each value, through a table; the layer is nothing else then
  std::vector<float> weight, bias;
  std::vector<float> gamma;  ///< of the BatchNorm behind it; empty where there was none, or where it came folded
  ViewMap view;              ///< of a view

  FloatLayer in_float() const { return {kind, geometry, 1, view, function}; }
  bool is_view() const { return qnet::row_of(kind).is_view; }
  bool has_weights() const { return qnet::row_of(kind).has_weights; }
  /// Else its output has its input's scale.
  bool requantizes() const { return qnet::row_of(kind).requantizes; }
  bool keeps_channels_apart() const { return !has_weights() || geometry.is_depthwise(); }

  /// The lower clamp of the activation function, or minus infinity; the upper one is its output's ceiling.
  float floor() const { return activation == qnet::Activation::kNone ? -std::numeric_limits<float>::infinity() : 0.0f; }
};

struct Plan {
  std::string name;
  qnet::InputSpec input_spec;
  std::vector<int> pad_values;         ///< per channel of the image, 0 to 255
  std::vector<PlannedTensor> tensors;  ///< [0] is the image
  std::vector<PlannedLayer> layers;    ///< in order of execution; the last gives the logits

  const PlannedTensor& tensor(int index) const { return tensors[static_cast<std::size_t>(index)]; }

  /// Whether the layer's output has a scale of its own: neither its input's nor the logits'.
  bool has_scale(const PlannedLayer& layer) const { return layer.requantizes() && !tensor(layer.output).is_logits; }

  /// Whether that scale is its own, to be learned and moved.
  bool moves_scale(const PlannedLayer& layer) const { return has_scale(layer) && !tensor(layer.output).is_joined; }
  /// The layer whose table the tensor indexes, where nothing else reads it; or null.
  const PlannedLayer* table_of(int tensor) const;

  /// The layer's activation function on 'count' values of its output (NHWC), in place.
  void activate(const PlannedLayer& layer, float* values, std::size_t count) const;
};

/// Maps a simplified graph to layers:
///   - an addition is merged into a convolution that computes one of its operands, that nobody else reads and that has
///   no
///     activation function: of two that with more weights to a sum, then the last. The other operand becomes its
///     residual. Where there is none the addition becomes a depthwise 1x1 convolution with weights 1 and a residual.
///   - a function of each value becomes a layer of its own, a sum_pool of one pixel with a table. What it reads has 8
///   bits
///     where nobody else reads it: then it is no tensor of the network that is written (merge_tables()).
///   - a global average pool becomes a sum_pool, its 1/(H*W) folded into the weights of what reads it.
///   - tensors that a view joins get one width (joined_tensors.h).
/// Throws UserError naming 'where' (the model file): a layer in recipe.layers that does not exist (with the nearest
/// that does), a normalization of another number of channels, a padding value outside a pixel's range.
Plan make_plan(const Graph& graph, const Recipe& recipe, const std::string& where);

}  // namespace shiftsim::quantizer
