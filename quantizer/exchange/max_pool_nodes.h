// The ONNX nodes of a layer that takes the largest code of a window.
#pragma once

#include "quantizer/exchange/export_state.h"

namespace shiftsim::quantizer {

void write_max_pool(ExportState& state, const qnet::Layer& layer);

}  // namespace shiftsim::quantizer
