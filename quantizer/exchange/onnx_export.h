// A .qnet as an ONNX file that gives the same integers. docs/onnx-exchange.md says how.
#pragma once

#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/quant_format.h"

namespace shiftsim::quantizer {

/// What the reader of an export should know.
struct ExportReport {
  int quarter_channels = 0;  ///< output channels whose bias breaks ties
  int output_channels = 0;   ///< of all layers that sum

  struct Inexact {
    std::string layer;
    int channels = 0;
  };
  /// Layers with channels of which some input might give a sum that single precision does not hold.
  std::vector<Inexact> inexact;
};

struct ExportedOnnx {
  std::string bytes;  ///< the file
  ExportReport report;
};

/// The input is batch x channels x height x width, floats with the values of pixels (0 to 255). The output is batch x
/// classes: logit * 2^exponent of the network's output. 'opset': 13 or 21 (QDQ only). Throws UserError naming the layer
/// that the format does not hold.
ExportedOnnx export_onnx(const qnet::Network& network, OnnxFormat format, int opset = kInt8Opset);

/// The report in sentences.
std::string export_text(const ExportReport& report);

}  // namespace shiftsim::quantizer
