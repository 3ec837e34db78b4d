// The ONNX nodes of a layer that sums.
#pragma once

#include "quantizer/exchange/export_state.h"

namespace shiftsim::quantizer {

/// A convolution, or the sum of a window as a convolution with ones: with bias, residual, activation function or table.
/// 'last': its sums are the network's output, and not quantized. Throws UserError naming the layer whose weights the
/// format does not hold.
void write_sum(ExportState& state, const qnet::Layer& layer, bool last);

}  // namespace shiftsim::quantizer
