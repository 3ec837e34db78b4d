// What quantrun tells about a quantized network.
#pragma once

#include <string>

#include "qnet/network.h"
#include "quantizer/quantized_network.h"

namespace shiftsim::quantizer {

/// A table with a line a layer, at most 120 columns: bits, exponents, offsets, signal-to-quantization-noise ratios and
/// why it has these bits.
std::string layer_table(const QuantizedNetwork& source, const qnet::Network& network);

/// Which tensors and weights have other bits than the recipe's main ones, in sentences: what "W4A4" leaves out.
std::string policy_text(const Plan& plan, const Recipe& recipe);

}  // namespace shiftsim::quantizer
