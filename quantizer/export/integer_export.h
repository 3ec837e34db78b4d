// The quantized network as integers.
#pragma once

#include "qnet/network.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// Writes out the contract (docs/integer-contract.md): integer weights, exponents, offsets, integer biases, shift
/// tables, clamps. Provenance is left to the caller. The result passes qnet::validate; throws InternalError where a
/// value does not fit.
qnet::Network to_integers(const QuantizedNetwork& network);

}  // namespace shiftsim::quantizer
