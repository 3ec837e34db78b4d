// An activation table from what a quantized file computes for each code.
#pragma once

#include "quantizer/exchange/function_chains.h"

namespace shiftsim::quantizer {

/// Appends a layer that is but the table of a chain, with its tensor. Each operator of the chain is computed in single
/// precision for each code of the root, and rounded as ONNX rounds. Returns the tensor's index. Throws UserError naming
/// the node where a table does not hold it.
int append_table_layer(ImportState& state, int quantization, const FunctionChain& chain);

}  // namespace shiftsim::quantizer
