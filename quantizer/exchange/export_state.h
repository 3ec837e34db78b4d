// A network while it becomes an ONNX file: the file so far, and what in it stands for the network's tensors.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/onnx_export.h"
#include "quantizer/exchange/onnx_writer.h"
#include "quantizer/exchange/quant_format.h"

namespace shiftsim::quantizer {

class ExportState {
public:
  /// Throws UserError naming the tensor whose scale single precision does not hold.
  ExportState(const qnet::Network& source, OnnxFormat format_kind, int opset);

  const qnet::Network& network;
  const std::unique_ptr<const QuantFormat> format;
  OnnxWriter writer;
  std::vector<std::string> values;  ///< of the network's tensors, as real values; empty: not written yet
  ExportReport report;

  ActivationQuantizer quantizer_of(int tensor) const;
  /// A constant: a float for each channel of a map, or one for all where they are the same.
  std::string per_channel(const std::string& name, const std::vector<float>& floats);
  /// The sum of two values, as the layer's node 'what'.
  std::string add(const qnet::Layer& layer, const char* what, const std::string& a, const std::string& b);
  /// The layer's output is 'value', quantized.
  void define(const qnet::Layer& layer, const std::string& value);

private:
  std::vector<bool> in_signed_type_;  ///< of the network's tensors: a signed view reads it
};

/// True of an empty list.
template <typename T>
bool all_same(const std::vector<T>& values) {
  return std::all_of(values.begin(), values.end(), [&](const T& value) { return value == values[0]; });
}

/// Batch x channels x height x width; the batch is open.
OnnxWriter::Dims nchw(const qnet::Tensor& tensor);

/// A layer's padding: top, left, bottom, right.
OnnxWriter::Dims pads_of(const qnet::Layer& layer);
/// The attributes of a layer's window, with this padding.
std::vector<OnnxWriter::Attribute> window_attributes(const qnet::Layer& layer, OnnxWriter::Dims padding);

}  // namespace shiftsim::quantizer
