// Bias correction (Nagel et al., ICCV 2019), through the activation function.
#pragma once

#include <vector>

#include "common/thread_pool.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/plan/accumulator_rounding.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// Moves each channel's bias of the layer until the mean after the activation function is the float network's. (The
/// mean before it would not do: coarse weights narrow the distribution, and a narrow one around a negative mean is all
/// cut off by ReLU.)
///   'reference': the layer's output in the float network.
///   'values': before the activation function, with the learned bias, rounded.
/// Returns what each channel's values have to be raised by to be those of the corrected bias, rounded too.
std::vector<float> correct_bias(QuantizedNetwork& network, std::size_t layer, const AccumulatorRounding& rounding,
                                const ActivationMemory::Block& reference, const ActivationMemory::Block& values,
                                ThreadPool& workers);

}  // namespace shiftsim::quantizer
