// Windows of convolutions and pools as ONNX describes them.
#pragma once

#include <cstdint>
#include <vector>

#include "quantizer/import/onnx_node.h"

namespace shiftsim::quantizer {

/// Kernel, strides, dilations and pads of Conv and the pools over a map of this shape. 'ceil_mode' adds to the pads.
Window read_window(const OnnxNode& op, const std::vector<std::int64_t>& kernel, const Shape& in);

/// The shape that the window makes of 'in'. Throws UserError if it does not fit.
Shape windowed_shape(const OnnxNode& op, const Window& window, const Shape& in, int channels);

}  // namespace shiftsim::quantizer
