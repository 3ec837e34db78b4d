#include "quantizer/exchange/sum_nodes.h"

#include <algorithm>
#include <cmath>

#include "common/index.h"
#include "quantizer/exchange/clamp_nodes.h"
#include "quantizer/exchange/layer_numbers.h"

namespace shiftsim::quantizer {

namespace {

using Dims = OnnxWriter::Dims;

constexpr int kOnnxInt64 = 7;  // TensorProto::INT64

/// The bias is an addition of its own: an optimizer of ONNX Runtime rounds biases of Conv to the accumulator's step,
/// and would drop the quarter.
std::string add_bias(ExportState& state, const qnet::Layer& layer, const std::string& sum) {
  const RealBias bias = real_bias(state.network, layer);
  state.report.quarter_channels += bias.quarter_channels;
  state.report.output_channels += static_cast<int>(bias.values.size());
  if (bias.inexact_channels > 0) state.report.inexact.push_back({layer.name, bias.inexact_channels});
  const auto channels = static_cast<std::int64_t>(bias.values.size());
  return state.add(layer, "bias", sum,
                   state.writer.floats(layer.name + "/bias_values", {1, channels, 1, 1}, bias.values));
}

/// The residual, in channels with coarser accumulators rounded half up to their step.
std::string residual(ExportState& state, const qnet::Layer& layer) {
  const qnet::Tensor& r = state.network.tensors[index(layer.residual)];
  const std::string& value = state.values[index(layer.residual)];
  const auto& shifts = layer.residual_shifts;
  if (std::all_of(shifts.begin(), shifts.end(), [](int s) { return s >= 0; })) return value;
  ActivationQuantizer quantizer{8, r.is_signed, {}};
  std::vector<float> quarters;
  for (int k = 0; k < r.channels; ++k) {
    const int step = r.exponent(k) - std::min<int>(shifts[index(k)], 0);
    quantizer.exponents.push_back(step);
    quarters.push_back(shifts[index(k)] < 0 ? std::ldexp(1.0f, r.exponent(k) - 2) : 0.0f);
  }
  if (all_same(quantizer.exponents)) quantizer.exponents.resize(1);
  const std::string name = layer.name + "/residual";
  const std::string biased =
      state.add(layer, "residual_rounding", value, state.per_channel(name + "_quarter", quarters));
  return state.format->activation(state.writer, biased, name, quantizer);
}

/// The activation table: a code of 8 bits picks an entry. ONNX counts negative indices from the end, where the table
/// has the entries of negative codes.
std::string looked_up(ExportState& state, const qnet::Layer& layer, const std::string& sum) {
  const qnet::Tensor& output = state.network.out(layer);
  const std::string name = layer.name + "/table";
  const std::string argument = state.format->activation(state.writer, sum, name + "_argument",
                                                        {qnet::kTableInputBits, layer.lo < 0, {layer.table_exponent}});
  const float steps = std::ldexp(1.0f, -layer.table_exponent);
  const std::string codes =
      state.writer.node("Mul", name + "_steps", {argument, state.writer.floats(name + "_step", {}, {&steps, 1})},
                        state.writer.unique(name + "_codes"));
  const std::string indices = state.writer.node("Cast", name + "_cast", {codes}, state.writer.unique(name + "_indices"),
                                                {{"to", std::int64_t{kOnnxInt64}}});
  std::vector<float> entries, scales;
  for (const std::uint8_t entry : layer.table)
    entries.push_back(static_cast<float>(output.is_signed ? static_cast<std::int8_t>(entry) : entry));
  for (int k = 0; k < output.channels; ++k) scales.push_back(std::ldexp(1.0f, output.exponent(k)));
  const std::string table = state.writer.floats(name, {static_cast<std::int64_t>(entries.size())}, entries);
  const std::string found =
      state.writer.node("Gather", name + "_lookup", {table, indices}, state.writer.unique(name + "_entries"));
  return state.writer.node("Mul", name + "_scale", {found, state.per_channel(name + "_scales", scales)},
                           state.writer.unique(name + "_values"));
}

void write_output(ExportState& state, const qnet::Layer& layer, const std::string& value) {
  const qnet::Tensor& output = state.network.out(layer);
  const bool flat = state.network.is_classifier();
  const std::string name =
      state.writer.node(flat ? "Flatten" : "Identity", layer.name + (flat ? "/flatten" : "/output"), {value},
                        state.writer.unique(output.name));
  state.writer.output(name, flat ? Dims{0, output.channels} : nchw(output));
}

}  // namespace

void write_sum(ExportState& state, const qnet::Layer& layer, bool last) {
  const qnet::Tensor& input = state.network.in(layer);
  const qnet::Tensor& output = state.network.out(layer);
  const bool weighted = qnet::row_of(layer.kind).has_weights;
  const int groups = weighted ? layer.groups : input.channels;
  std::string x = state.values[index(layer.input)];
  // ONNX pads with 0: pixels less their pad values have that padding.
  if (!layer.pad_values.empty()) {
    const std::vector<float> pad(layer.pad_values.begin(), layer.pad_values.end());
    x = state.writer.node("Sub", layer.name + "/mean", {x, state.per_channel(layer.name + "/pad_values", pad)},
                          state.writer.unique(layer.name + "/centred"));
  }
  const Dims dims{output.channels, input.channels / groups, layer.kernel_h, layer.kernel_w};
  const std::string w = state.format->weights(state.writer, layer.name, dims, widened_weights(state.network, layer));
  auto attributes = window_attributes(layer, pads_of(layer));
  attributes.emplace_back("group", std::int64_t{groups});
  std::string y =
      state.writer.node("Conv", layer.name, {x, w}, state.writer.unique(layer.name + "/product"), attributes);
  y = add_bias(state, layer, y);
  if (layer.residual >= 0) y = state.add(layer, "residual", y, residual(state, layer));
  if (last)
    write_output(state, layer, y);
  else
    state.define(layer, layer.has_table() ? looked_up(state, layer, y) : clamped(state, layer, y));
}

}  // namespace shiftsim::quantizer
