// BatchNorm and other constants per channel: into what stands before them.
#pragma once

#include <string>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

// Each works on nodes of kind kAffine. 'where' names the file in errors.

/// (x - mean) / std inside the network: nodes that alone read the image become Graph::input_scale and input_shift.
void absorb_input_normalization(Graph& graph, const std::string& where);

/// Into the convolution (or kAffine) before it, where nobody else reads that. The statistics are kept.
void fold_affines(Graph& graph, const std::string& where);

/// One that is left over becomes a depthwise 1x1 convolution of its own.
void convert_affines(Graph& graph);

}  // namespace shiftsim::quantizer
