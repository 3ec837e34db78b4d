// What the contract promises of one layer.
#pragma once

#include <string>

#include "qnet/network.h"

namespace shiftsim::qnet {

constexpr int kMaxExponent = 127;  // magnitude; of a tensor, of weights or of a table

/// Geometry, array sizes and ranges, exponents that agree with the shift tables, and widths that no input can overflow.
/// The tensors and the order of layers must have been checked before. 'last': the layer that gives the logits. Throws
/// UserError naming 'where', the layer and the array.
void validate_layer(const Network& network, const Layer& layer, bool last, const std::string& where);

}  // namespace shiftsim::qnet
