// The ONNX nodes of a view.
#pragma once

#include "quantizer/exchange/export_state.h"

namespace shiftsim::quantizer {

/// Tensors joined, parts of them, channels in another order; pixels repeated. Values stay as they are, so nothing is
/// quantized.
void write_view(ExportState& state, const qnet::Layer& layer);

}  // namespace shiftsim::quantizer
