#include "quantizer/exchange/merged_residuals.h"

#include <algorithm>

namespace shiftsim::quantizer {

namespace {

template <typename Values>
bool all(const Values& values, int expected) {
  return std::all_of(values.begin(), values.end(), [&](int value) { return value == expected; });
}

/// Whether the layer shifts its input right, rounds, and nothing else: no code is clamped.
bool only_rounds(const qnet::Network& network, const qnet::Layer& layer) {
  const qnet::Tensor &in = network.in(layer), &out = network.out(layer);
  // Channels do not mix. This is not is_depthwise(): a map of one channel may be rounded too.
  return layer.kind == qnet::LayerKind::kConv && layer.residual < 0 && layer.groups == in.channels &&
         in.channels == out.channels && layer.kernel_h == 1 && layer.kernel_w == 1 && layer.stride_h == 1 &&
         layer.stride_w == 1 && in.height == out.height && in.width == out.width && all(layer.weights, 1) &&
         !layer.has_offset() && all(layer.bias, 0) && layer.pad_values.empty() && all(layer.hi, out.high()) &&
         out.bits >= in.bits && out.is_signed == in.is_signed &&
         std::all_of(layer.shifts.begin(), layer.shifts.end(), [](int shift) { return shift >= 0; });
}

/// The only layer that reads the tensor, where it reads it as its residual alone.
qnet::Layer* adding_reader(qnet::Network& network, int tensor) {
  qnet::Layer* reader = nullptr;
  for (qnet::Layer& layer : network.layers) {
    if (layer.input == tensor) return nullptr;
    if (layer.residual != tensor) continue;
    if (reader != nullptr) return nullptr;
    reader = &layer;
  }
  return reader;
}

/// Whether rounding in 'layer' and the shift in 'reader' are one shift.
bool composes(const qnet::Layer& layer, const qnet::Layer& reader) {
  for (std::size_t k = 0; k < layer.shifts.size(); ++k)
    if (layer.shifts[k] > 0 && reader.residual_shifts[k] != 0) return false;
  return true;
}

void remove_layer(qnet::Network& network, std::size_t index) {
  const int gone = network.layers[index].output;
  network.layers.erase(network.layers.begin() + static_cast<std::ptrdiff_t>(index));
  network.tensors.erase(network.tensors.begin() + gone);
  for (qnet::Layer& layer : network.layers)
    for (int* tensor : {&layer.input, &layer.residual, &layer.output})
      if (*tensor > gone) --*tensor;
}

}  // namespace

void merge_rounded_residuals(qnet::Network& network) {
  for (std::size_t i = 0; i < network.layers.size();) {
    const qnet::Layer& layer = network.layers[i];
    qnet::Layer* reader = only_rounds(network, layer) ? adding_reader(network, layer.output) : nullptr;
    if (reader == nullptr || !composes(layer, *reader)) {
      ++i;
      continue;
    }
    reader->residual = layer.input;
    for (std::size_t k = 0; k < layer.shifts.size(); ++k)
      if (layer.shifts[k] > 0) reader->residual_shifts[k] = static_cast<std::int8_t>(-layer.shifts[k]);
    remove_layer(network, i);
  }
}

}  // namespace shiftsim::quantizer
