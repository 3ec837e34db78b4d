#include "quantizer/exchange/clamp_nodes.h"

#include <cmath>

#include "common/index.h"

namespace shiftsim::quantizer {

namespace {

/// 'value' kept within bounds of each channel; an empty list: no bound.
std::string limited(ExportState& state, const qnet::Layer& layer, const std::string& value,
                    const std::vector<float>& low, const std::vector<float>& high) {
  if (low.empty() && high.empty()) return value;
  const auto bound = [&](const char* what, const std::vector<float>& values) {
    return values.empty() ? std::string() : state.per_channel(layer.name + "/" + what, values);
  };
  const std::string lowest = bound("lowest", low), highest = bound("highest", high);
  if (all_same(low) && all_same(high))
    return state.writer.node("Clip", layer.name + "/clip", {value, lowest, highest},
                             state.writer.unique(layer.name + "/clipped"));
  std::string y = value;
  if (!low.empty())
    y = state.writer.node("Max", layer.name + "/max", {y, lowest}, state.writer.unique(layer.name + "/above"));
  if (!high.empty())
    y = state.writer.node("Min", layer.name + "/min", {y, highest}, state.writer.unique(layer.name + "/below"));
  return y;
}

}  // namespace

std::string clamped(ExportState& state, const qnet::Layer& layer, const std::string& value) {
  const qnet::Tensor& output = state.network.out(layer);
  const ActivationQuantizer quantizer = state.quantizer_of(layer.output);
  std::string y = value;
  if (qnet::row_of(layer.activation).non_negative)
    y = state.writer.node("Relu", layer.name + "/relu", {y}, state.writer.unique(layer.name + "/rectified"));
  std::vector<float> low, high;
  bool clamps_high = false;
  for (int k = 0; k < output.channels; ++k) {
    const int top = layer.hi.empty() ? output.high() : layer.hi[index(k)];
    low.push_back(std::ldexp(static_cast<float>(output.low()), output.exponent(k)));
    high.push_back(std::ldexp(static_cast<float>(top), output.exponent(k)));
    clamps_high = clamps_high || top < state.format->largest(quantizer);
  }
  // Maximum pooling passes codes on, which lie within the range; only a window all of padding gives none of them.
  if (!clamps_high || !qnet::row_of(layer.kind).requantizes) high.clear();
  if (output.low() == state.format->smallest(quantizer)) low.clear();
  return limited(state, layer, y, low, high);
}

}  // namespace shiftsim::quantizer
