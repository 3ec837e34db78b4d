// ONNX to the quantizer's graph.
#pragma once

#include <filesystem>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Reads an ONNX classifier (one image input of rank 4, NCHW or NHWC, any batch; one output) and simplifies it: what
/// remains are convolutions (linear layers among them) with BatchNorm folded and activation functions merged, max
/// pools, global average pools and additions. Opsets 9 to 17. Throws UserError naming the file, the node and the
/// operator for whatever cannot be represented.
Graph import_onnx(const std::filesystem::path& file);

/// The first half of import_onnx, node by node as the file has them (affine, clamp, pad nodes and average pools are
/// nodes of their own). For tests of the second half.
Graph import_onnx_unsimplified(const std::filesystem::path& file);

}  // namespace shiftsim::quantizer
