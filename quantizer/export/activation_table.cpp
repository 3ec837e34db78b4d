#include "quantizer/export/activation_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace shiftsim::quantizer {

namespace {

/// Whether the layer is nothing but a table.
bool is_table(const qnet::Network& network, const qnet::Layer& layer) {
  const qnet::Tensor& in = network.in(layer);
  return layer.kind == qnet::LayerKind::kSumPool && layer.has_table() && layer.kernel_h == 1 && layer.kernel_w == 1 &&
         layer.stride_h == 1 && layer.stride_w == 1 && in.bits == qnet::kTableInputBits && in.low() == layer.lo &&
         std::all_of(layer.shifts.begin(), layer.shifts.end(), [](std::int8_t n) { return n == 0; });
}

bool is_read_once(const qnet::Network& network, int tensor) {
  int readers = 0;
  for (const qnet::Layer& layer : network.layers) readers += (layer.input == tensor) + (layer.residual == tensor);
  return readers == 1;
}

/// Whether the layer's clamp is the whole range of 8 bits, so that a table may stand behind it.
bool takes_table(const qnet::Network& network, const qnet::Layer& layer) {
  const qnet::Tensor& out = network.out(layer);
  return qnet::row_of(layer.kind).requantizes && !layer.has_table() && out.bits == qnet::kTableInputBits &&
         layer.lo == out.low() &&
         std::all_of(layer.hi.begin(), layer.hi.end(), [&](std::uint8_t hi) { return hi == out.high(); });
}

void drop_tensor(qnet::Network& network, int tensor) {
  network.tensors.erase(network.tensors.begin() + tensor);
  for (qnet::Layer& layer : network.layers)
    for (int* index : {&layer.input, &layer.residual, &layer.output})
      if (*index > tensor) --*index;
}

}  // namespace

std::vector<std::uint8_t> activation_table(const ScalarFunction& function, const TableInput& input,
                                           const ActivationRange& output, int output_exponent) {
  std::vector<float> values(qnet::kTableEntries);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::ldexp(static_cast<float>(input.low + static_cast<int>(i)), input.exponent);
  function.evaluate(values.data(), values.data(), values.size());
  std::vector<std::uint8_t> table(qnet::kTableEntries);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float place = std::floor(std::ldexp(values[i], -output_exponent) + 0.5f);
    const float code = std::clamp(place, static_cast<float>(output.low()), static_cast<float>(output.top()));
    const auto index = static_cast<std::size_t>(input.low + static_cast<int>(i)) % qnet::kTableEntries;
    table[index] = static_cast<std::uint8_t>(static_cast<int>(code));
  }
  return table;
}

void become_table(qnet::Layer& layer, const qnet::Tensor& in) {
  const auto channels = static_cast<std::size_t>(in.channels);
  layer.kind = qnet::LayerKind::kSumPool;
  layer.activation = qnet::Activation::kTable;
  layer.table_exponent = in.exponent(0);
  layer.lo = in.is_signed ? -(1 << (qnet::kTableInputBits - 1)) : 0;
  layer.shifts.assign(channels, 0);
  layer.hi.assign(channels, static_cast<std::uint8_t>(layer.lo + (1 << qnet::kTableInputBits) - 1));
}

qnet::Network merge_tables(const qnet::Network& network) {
  qnet::Network result = network;
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    const qnet::Layer table = result.layers[i];
    if (!is_table(result, table) || !is_read_once(result, table.input)) continue;
    const auto maker = std::find_if(result.layers.begin(), result.layers.end(),
                                    [&](const qnet::Layer& layer) { return layer.output == table.input; });
    if (maker == result.layers.end() || !takes_table(result, *maker)) continue;
    maker->activation = qnet::Activation::kTable;
    maker->table = table.table;
    maker->table_exponent = table.table_exponent;
    maker->output = table.output;
    result.layers.erase(result.layers.begin() + static_cast<std::ptrdiff_t>(i));
    drop_tensor(result, table.input);
    --i;
  }
  return result;
}

}  // namespace shiftsim::quantizer
