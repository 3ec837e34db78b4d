// Residuals that a file rounds by a quantization of their own.
#pragma once

#include "qnet/network.h"

namespace shiftsim::quantizer {

/// Where a layer does nothing but round a tensor to the accumulator's step of the only layer that adds it, that layer
/// takes the tensor itself: its residual shift rounds in the same way. The layer and its tensor go.
void merge_rounded_residuals(qnet::Network& network);

}  // namespace shiftsim::quantizer
