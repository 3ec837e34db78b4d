// The ONNX nodes of activation functions and clamps.
#pragma once

#include <string>

#include "quantizer/exchange/export_state.h"

namespace shiftsim::quantizer {

/// 'value' behind the layer's activation function and clamps, so far as the quantization behind it does not clamp by
/// itself.
std::string clamped(ExportState& state, const qnet::Layer& layer, const std::string& value);

}  // namespace shiftsim::quantizer
