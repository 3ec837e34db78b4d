// The arrays of a layer in a .qnet folder: the one list that reader and writer share.
#pragma once

#include <cstdint>
#include <vector>

#include "common/npy.h"
#include "qnet/network.h"

namespace shiftsim::qnet {

inline constexpr const char* kNetworkFile = "network.yaml";
inline constexpr const char* kFormatName = "qnet";

/// The NumPy type of an array's elements.
template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::kInt8;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::kUInt8;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::kInt32;
};

using ArrayShape = std::vector<std::size_t>;

inline ArrayShape weight_shape(const Network& network, const Layer& layer) {
  return {static_cast<std::size_t>(network.out(layer).channels), static_cast<std::size_t>(layer.kernel_h),
          static_cast<std::size_t>(layer.kernel_w),
          static_cast<std::size_t>(network.in(layer).channels / layer.groups)};
}

/// Calls visit(name, array, shape, required) for each array that a layer of this kind may have: the one list that
/// reader and writer share.
template <typename L, typename Visit>
void for_each_array(const Network& network, L& layer, bool last, Visit&& visit) {
  const LayerKindRow& kind = row_of(layer.kind);
  const ArrayShape outputs{static_cast<std::size_t>(network.out(layer).channels)};
  if (kind.has_weights) {
    visit("weights", layer.weights, weight_shape(network, layer), true);
    visit("weight_exponents", layer.weight_exponents, outputs, true);
    visit("offsets", layer.offsets, outputs, true);
    visit("bias", layer.bias, outputs, true);
  }
  if (kind.requantizes) {
    visit("shifts", layer.shifts, outputs, true);
    if (!last) visit("hi", layer.hi, outputs, true);
    if (layer.has_table()) visit("table", layer.table, ArrayShape{kTableEntries}, true);
  }
  if (kind.is_view) return visit("channels", layer.channels, outputs, true);
  if (layer.residual >= 0) visit("residual_shifts", layer.residual_shifts, outputs, true);
  if (kind.has_weights && layer.input == 0) {
    visit("pad_values", layer.pad_values, ArrayShape{static_cast<std::size_t>(network.in(layer).channels)}, false);
  }
}

}  // namespace shiftsim::qnet
