// Cross-layer equalization by powers of two.
#pragma once

#include <vector>

#include "common/images.h"
#include "quantizer/activation_store.h"
#include "quantizer/parallel.h"
#include "quantizer/plan.h"

namespace shiftsim::quantizer {

/// Multiplies channels of tensors by powers of two, in the weights and bias of what makes them, and divides the weights
/// of what reads them: the network computes the same to the last bit (scaling by 2^k rounds nothing, and ReLU lets it
/// through). Channels then fill their tensor's range more alike, and so do the columns of the weights behind it: both
/// are brought half way towards each other (Nagel et al., ICCV 2019, eq. 11, to the nearest power of two, at most 2^4).
/// Tensors that have an exponent for each channel anyway are left alone, as are ReLU6's (a clamp at 6 in each channel
/// is no clamp at 6 any more), additions and pools.
///   'largest': of each tensor, each channel's largest magnitude in the float network; empty: that tensor stays.
/// Returns the number of channels that changed.
int equalize(Plan& plan, const std::vector<std::vector<float>>& largest);

/// The 'largest' of equalize(), over these images.
std::vector<std::vector<float>> channel_maxima(const Plan& plan, const ImageSet& images,
                                               const std::vector<std::size_t>& chosen, Workers& workers,
                                               ActivationMemory& memory);

}  // namespace shiftsim::quantizer
