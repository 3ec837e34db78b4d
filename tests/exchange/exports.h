// Every form in which a network is exported.
#pragma once

#include "quantizer/exchange/onnx_export.h"

namespace shiftsim::quantizer {

struct Export {
  const char* name;
  OnnxFormat format;
  int opset;
};
inline constexpr Export kExports[] = {{"QDQ, opset 13", OnnxFormat::kQdq, kInt8Opset},
                                      {"QDQ, opset 21", OnnxFormat::kQdq, kInt4Opset},
                                      {"QONNX", OnnxFormat::kQonnx, kInt8Opset}};

}  // namespace shiftsim::quantizer
