// The float network as the quantizer sees it: a list of nodes in topological order, imported from ONNX.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/graph/node_kind.h"
#include "quantizer/graph/scalar_function.h"
#include "quantizer/graph/shape.h"
#include "quantizer/graph/view_map.h"

namespace shiftsim::quantizer {

/// The sliding window of a convolution or a pool.
struct Window {
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;

  std::size_t taps() const { return static_cast<std::size_t>(kernel_h) * static_cast<std::size_t>(kernel_w); }
  bool padded() const { return pad_top != 0 || pad_left != 0 || pad_bottom != 0 || pad_right != 0; }
  /// Height and width of the output over a map of that size; 0 or less where the window does not fit.
  int out_height(int height) const;
  int out_width(int width) const;
};

/// Gives an integer layer the window.
void set_window(qnet::Layer& layer, const Window& window);

/// Statistics of a BatchNormalization, kept after folding: RAPQ's loss takes its norm from them. One value per channel.
struct BatchNorm {
  std::vector<float> gamma, beta, mean, variance;
  double epsilon = 1e-5;
};

/// The range an activation function clamps to: [0, inf) is ReLU, [0, 6] ReLU6. Others from 0 on are like ReLU6.
struct Clamp {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();

  bool none() const;
  /// Whether the requantization clamps so: nothing, or from 0 to something above it.
  bool is_plain() const;
  /// This clamp, then 'next'.
  Clamp then(const Clamp& next) const;
  bool operator==(const Clamp&) const = default;
};

struct Node {
  std::string name;  ///< unique; the layer's name in recipes and reports
  NodeKind kind = NodeKind::kInput;
  std::vector<int> inputs;    ///< indices of earlier nodes
  Shape shape;                ///< of the output
  Window window;              ///< kConv, kMaxPool, kAveragePool; kPad: its pads
  int groups = 1;             ///< kConv; of other kinds 1
  ViewMap view;               ///< kView
  std::vector<float> weight;  ///< kConv: [k][channels / groups][ky][kx], BatchNorm folded in; kAffine: scale[c]
  std::vector<float> bias;    ///< kConv: [k]; kAffine: [c]
  Clamp clamp;                ///< applied to the node's result (kConv, kAdd; kClamp itself)
  std::optional<ScalarFunction> function;   ///< kFunction
  ScalarOp elementwise = ScalarOp::kInput;  ///< kElementwise
  std::optional<BatchNorm> batch_norm;
  bool count_pads = false;  ///< kAveragePool: zeros of the padding count in the mean
  /// kAveragePool: of the window's padding, the rows and columns that ceil_mode adds. They never count.
  int over_bottom = 0, over_right = 0;
  bool fixed_weights = false;  ///< kConv made from something without weights: an average pool or an identity
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;  ///< [0] is the input; the last is the output: logits, one per class, or a map
  /// Normalization found in the network itself: its first node sees scale[c] * x + shift[c].
  std::vector<float> input_scale, input_shift;
  /// The output is one logit, of a class that wins where it is above 0 (while a file is imported).
  bool single_logit = false;

  bool is_classifier() const { return output().shape.height == 1 && output().shape.width == 1; }
  const Node& input() const { return nodes.front(); }
  const Node& output() const { return nodes.back(); }
  const Node& at(int index) const { return nodes[static_cast<std::size_t>(index)]; }
  Node& at(int index) { return nodes[static_cast<std::size_t>(index)]; }

  /// Indices of the nodes that read each node, a node that reads twice listed twice.
  std::vector<std::vector<int>> readers() const;
};

/// The activation function a simplified node ends in: none, ReLU, or ReLU6 with its clamp's upper end in the place
/// of 6.
qnet::Activation activation_of(const Node& node);

/// True where no output of this node can be negative.
bool is_non_negative(const Graph& graph, int index);

}  // namespace shiftsim::quantizer
