// The final pass: every exponent of the network, in groups, traded against the others by the network's output.
#pragma once

#include <functional>

#include "quantizer/learn/held_out_divergence.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

struct MovesResult {
  double before = 0, after = 0;  ///< KL divergence on held-out images
  int tried = 0, taken = 0;
};

/// Tries to double and to halve the steps of one scale group at a time and keeps what lowers the held-out divergence
/// and is legal, until 'passes' are done or one took nothing. The scale groups:
///   - an activation tensor: all its exponents;
///   - the output channels of a layer that share an exponent: their integer weights are rounded anew to the values they
///   stood for,
///     with the offset that suits them;
///   - an activation tensor and the next one behind a layer, one up and the other down: clipping here for rounding
///   there.
/// 'network' must be what 'held_out' was set to; that is set to what it becomes. 'memory': for what the layers make
/// whose groups had their turn, a tensor over all held-out images.
MovesResult move_exponents(HeldOutDivergence& held_out, ActivationMemory& memory, const Recipe& recipe, int passes,
                           QuantizedNetwork& network, const std::function<void(int, int)>& progress = {});

}  // namespace shiftsim::quantizer
