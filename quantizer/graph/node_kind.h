// What the nodes of a float graph are: a row for each kind.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "qnet/layer_kind.h"

namespace shiftsim::quantizer {

enum class NodeKind {
  kInput,
  kConv,        ///< convolution; a linear layer is one whose kernel is the whole map
  kMaxPool,     ///< padding never wins
  kGlobalPool,  ///< mean over the whole map
  kAdd,         ///< sum of two activations of one shape
  kView,        ///< channels of one activation or of two joined, in any order; pixels repeated
  kFunction,    ///< a function of each value by itself
  // Only between import and simplify():
  kAffine,       ///< scale[c] * x + bias[c]
  kClamp,        ///< an activation function by itself
  kAveragePool,  ///< mean over the window
  kPad,          ///< zeros around the map
  kElementwise,  ///< an operator on two activations of one shape other than their sum
};

struct NodeKindRow {
  NodeKind kind = NodeKind::kInput;
  const char* name = "";
  bool keeps_sign = false;  ///< where no input is negative, no output is
  bool is_simple = false;   ///< there may be some after simplify()
  /// The layer that it becomes; none for the input and for an addition, which is a layer's residual.
  std::optional<qnet::LayerKind> layer;
};

inline constexpr std::array<NodeKindRow, 12> kNodeKinds = {{
    {NodeKind::kInput, "input", false, true, {}},
    {NodeKind::kConv, "conv", false, true, qnet::LayerKind::kConv},
    {NodeKind::kMaxPool, "max_pool", true, true, qnet::LayerKind::kMaxPool},
    {NodeKind::kGlobalPool, "global_pool", true, true, qnet::LayerKind::kSumPool},
    {NodeKind::kAdd, "add", true, true, {}},
    {NodeKind::kView, "view", true, true, qnet::LayerKind::kView},
    // A sum of one value, through a table.
    {NodeKind::kFunction, "function", false, true, qnet::LayerKind::kSumPool},
    {NodeKind::kAffine, "affine", false, false, {}},
    {NodeKind::kClamp, "clamp", false, false, {}},
    {NodeKind::kAveragePool, "average_pool", true, false, {}},
    {NodeKind::kPad, "pad", true, false, {}},
    {NodeKind::kElementwise, "elementwise", false, false, {}},
}};

constexpr const NodeKindRow& row_of(NodeKind kind) {
  return kNodeKinds[static_cast<std::size_t>(kind)];
}

constexpr const char* to_string(NodeKind kind) {
  return row_of(kind).name;
}

/// What works on each value by itself.
constexpr bool is_elementwise(NodeKind kind) {
  return kind == NodeKind::kAffine || kind == NodeKind::kClamp || kind == NodeKind::kFunction ||
         kind == NodeKind::kElementwise || kind == NodeKind::kAdd;
}

// Rows stand in the order of their enumerators.
static_assert([] {
  for (std::size_t i = 0; i < kNodeKinds.size(); ++i)
    if (kNodeKinds[i].kind != static_cast<NodeKind>(i)) return false;
  return true;
}());

}  // namespace shiftsim::quantizer
