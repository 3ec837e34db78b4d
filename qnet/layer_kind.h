// What each kind of layer and each activation function is, said once: a row each. Checks, bounds, the golden reference,
// files, the quantizer and the compiler read the rows, and name a kind only where it has something of its own.
#pragma once

#include <array>
#include <cstddef>

namespace shiftsim::qnet {

enum class LayerKind { kConv, kMaxPool, kSumPool, kView };
enum class Activation { kNone, kRelu, kRelu6, kTable };

const char* to_string(LayerKind kind);
const char* to_string(Activation activation);

/// What becomes of the values of a window.
enum class Reduction {
  kSum,  ///< of the values times their weights
  kMax
};

/// What a window finds outside the tensor.
enum class Padding {
  kZero,   ///< or the layer's pad_values
  kLowest  ///< the smallest code, which never wins a maximum
};

struct LayerKindRow {
  LayerKind kind;
  const char* name;  ///< in network.yaml and in reports
  bool has_weights;  ///< weights, offsets, biases, groups and MACs
  bool requantizes;  ///< shifts and clamps; without them output codes are input codes
  Padding padding;
  Reduction reduction;
  int fixed_weight;  ///< of every tap of a kind that has no weights; it keeps the channels apart
  bool is_view;      ///< computes and stores nothing: its readers find the values of other tensors
};

inline constexpr std::array<LayerKindRow, 4> kLayerKinds = {{
    {LayerKind::kConv, "conv", true, true, Padding::kZero, Reduction::kSum, 0, false},
    {LayerKind::kMaxPool, "max_pool", false, false, Padding::kLowest, Reduction::kMax, 1, false},
    {LayerKind::kSumPool, "sum_pool", false, true, Padding::kZero, Reduction::kSum, 1, false},
    {LayerKind::kView, "view", false, false, Padding::kZero, Reduction::kSum, 1, true},
}};

constexpr const LayerKindRow& row_of(LayerKind kind) {
  return kLayerKinds[static_cast<std::size_t>(kind)];
}

struct ActivationRow {
  Activation activation;
  const char* name;
  bool non_negative;  ///< clamps at 0 from below
  bool has_ceiling;   ///< clamps from above below the largest code, channel by channel
};

inline constexpr std::array<ActivationRow, 4> kActivations = {{
    {Activation::kNone, "none", false, false},
    {Activation::kRelu, "relu", true, false},
    {Activation::kRelu6, "relu6", true, true},
    {Activation::kTable, "table", false, false},  // any function: the layer has a table of it
}};

constexpr const ActivationRow& row_of(Activation activation) {
  return kActivations[static_cast<std::size_t>(activation)];
}

// Rows stand in the order of their enumerators.
static_assert([] {
  for (std::size_t i = 0; i < kLayerKinds.size(); ++i)
    if (kLayerKinds[i].kind != static_cast<LayerKind>(i)) return false;
  for (std::size_t i = 0; i < kActivations.size(); ++i)
    if (kActivations[i].activation != static_cast<Activation>(i)) return false;
  return true;
}());

}  // namespace shiftsim::qnet
