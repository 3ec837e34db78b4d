#include "quantizer/exchange/onnx_export.h"

#include <fmt/format.h>

#include "quantizer/exchange/exchange_facts.h"
#include "quantizer/exchange/export_state.h"
#include "quantizer/exchange/max_pool_nodes.h"
#include "quantizer/exchange/sum_nodes.h"
#include "quantizer/exchange/view_nodes.h"

namespace shiftsim::quantizer {

namespace {

void write_image(ExportState& state) {
  const qnet::Tensor& image = state.network.input();
  const std::string pixels = state.writer.unique("pixels");
  state.writer.input(pixels, nchw(image));
  state.values[0] = state.format->activation(state.writer, pixels, image.name, state.quantizer_of(0));
}

void write_layer(ExportState& state, const qnet::Layer& layer, bool last) {
  switch (layer.kind) {
    case qnet::LayerKind::kConv:
    case qnet::LayerKind::kSumPool:
      return write_sum(state, layer, last);
    case qnet::LayerKind::kMaxPool:
      return write_max_pool(state, layer);
    case qnet::LayerKind::kView:
      return write_view(state, layer);
  }
}

}  // namespace

ExportedOnnx export_onnx(const qnet::Network& network, OnnxFormat format, int opset) {
  ExportState state(network, format, opset);
  write_image(state);
  for (std::size_t i = 0; i < network.layers.size(); ++i)
    write_layer(state, network.layers[i], i + 1 == network.layers.size());
  state.writer.metadata(kFactsKey, facts_json(network));
  return {state.writer.bytes(), state.report};
}

std::string export_text(const ExportReport& report) {
  std::string text = fmt::format("ties: broken by the bias in {} of {} output channels; elsewhere none can stand\n",
                                 report.quarter_channels, report.output_channels);
  for (const ExportReport::Inexact& layer : report.inexact)
    text += fmt::format(
        "layer '{}': {} channels have sums that single precision may not hold: ONNX may round them otherwise\n",
        layer.layer, layer.channels);
  return text;
}

}  // namespace shiftsim::quantizer
