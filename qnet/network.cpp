#include "qnet/network.h"

#include <algorithm>

#include "qnet/layer_kind.h"

namespace shiftsim::qnet {

const char* to_string(LayerKind kind) {
  return row_of(kind).name;
}

const char* to_string(Activation activation) {
  return row_of(activation).name;
}

bool Layer::has_offset() const {
  return std::any_of(offsets.begin(), offsets.end(), [](std::int8_t c) { return c != 0; });
}

std::int64_t macs(const Network& network, const Layer& layer) {
  if (!row_of(layer.kind).has_weights) return 0;
  const std::int64_t taps = std::int64_t{layer.kernel_h} * layer.kernel_w * (network.in(layer).channels / layer.groups);
  return taps * static_cast<std::int64_t>(network.out(layer).size());
}

}  // namespace shiftsim::qnet
