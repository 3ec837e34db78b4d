// What each node of a quantized file stands for: a tensor, or sums that a later quantization rounds to one.
#pragma once

#include "quantizer/exchange/function_chains.h"

namespace shiftsim::quantizer {

/// The value of a node whose inputs' values are known. A quantization that ends a layer appends it to the network.
/// Throws UserError naming the node where the contract does not hold it.
ImportedValue value_of_node(ImportState& state, const FunctionChains& chains, int node);

}  // namespace shiftsim::quantizer
