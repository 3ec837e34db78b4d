#include "quantizer/exchange/export_state.h"

#include <limits>
#include <utility>

#include "common/error.h"
#include "common/index.h"
#include "qnet/tensor_sources.h"

namespace shiftsim::quantizer {

namespace {

/// Scales must be normal floats, those of accumulators and their quarters too.
void check_exponents(const qnet::Tensor& tensor) {
  constexpr int kSmallest = std::numeric_limits<float>::min_exponent - 1 + 40;
  constexpr int kLargest = std::numeric_limits<float>::max_exponent - 1 - 40;
  for (const int exponent : tensor.exponents)
    if (exponent < kSmallest || exponent > kLargest)
      fail("tensor '{}': exponent {}, expected {} to {} so that single precision holds its values", tensor.name,
           exponent, kSmallest, kLargest);
}

}  // namespace

ExportState::ExportState(const qnet::Network& source, OnnxFormat format_kind, int opset)
    : network(source),
      format(make_quant_format(format_kind, opset)),
      writer(network.name, format->opsets()),
      values(network.tensors.size()),
      in_signed_type_(network.tensors.size()) {
  const qnet::TensorSources sources(network);
  for (const qnet::Layer& layer : network.layers)
    if (layer.is_view() && network.out(layer).is_signed)
      for (const int stored : sources.stored(layer.output)) in_signed_type_[index(stored)] = true;
  for (const qnet::Tensor& tensor : network.tensors) check_exponents(tensor);
}

ActivationQuantizer ExportState::quantizer_of(int tensor) const {
  const qnet::Tensor& t = network.tensors[index(tensor)];
  return {t.bits, t.is_signed, t.exponents, in_signed_type_[index(tensor)]};
}

std::string ExportState::per_channel(const std::string& name, const std::vector<float>& floats) {
  if (all_same(floats)) return writer.floats(name, {}, std::span(floats).first(1));
  return writer.floats(name, {1, static_cast<std::int64_t>(floats.size()), 1, 1}, floats);
}

std::string ExportState::add(const qnet::Layer& layer, const char* what, const std::string& a, const std::string& b) {
  return writer.node("Add", layer.name + "/" + what, {a, b}, writer.unique(layer.name + "/" + what + "_sum"));
}

void ExportState::define(const qnet::Layer& layer, const std::string& value) {
  const qnet::Tensor& output = network.out(layer);
  values[index(layer.output)] = format->activation(writer, value, output.name, quantizer_of(layer.output));
}

OnnxWriter::Dims nchw(const qnet::Tensor& tensor) {
  return {0, tensor.channels, tensor.height, tensor.width};
}

OnnxWriter::Dims pads_of(const qnet::Layer& layer) {
  return {layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right};
}

std::vector<OnnxWriter::Attribute> window_attributes(const qnet::Layer& layer, OnnxWriter::Dims padding) {
  using Dims = OnnxWriter::Dims;
  return {{"kernel_shape", Dims{layer.kernel_h, layer.kernel_w}},
          {"strides", Dims{layer.stride_h, layer.stride_w}},
          {"dilations", Dims{layer.dilation_h, layer.dilation_w}},
          {"pads", std::move(padding)}};
}

}  // namespace shiftsim::quantizer
