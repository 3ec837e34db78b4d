#include "qnet/network.h"

#include <algorithm>

namespace shiftsim::qnet {

const char* to_string(LayerKind kind) {
  switch (kind) {
    case LayerKind::kConv:
      return "conv";
    case LayerKind::kMaxPool:
      return "max_pool";
    case LayerKind::kSumPool:
      return "sum_pool";
  }
  return "?";
}

const char* to_string(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
  }
  return "?";
}

bool Layer::has_offset() const {
  return std::any_of(offsets.begin(), offsets.end(), [](std::int8_t c) { return c != 0; });
}

std::int64_t macs(const Network& network, const Layer& layer) {
  if (layer.kind != LayerKind::kConv) return 0;
  const std::int64_t taps = std::int64_t{layer.kernel_h} * layer.kernel_w * (network.in(layer).channels / layer.groups);
  return taps * static_cast<std::int64_t>(network.out(layer).size());
}

}  // namespace shiftsim::qnet
