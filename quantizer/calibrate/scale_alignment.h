// Rescaling channels so that the steps they want are powers of two.
#pragma once

#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/plan/plan.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Values of a tensor in the float network, [pixels][channels]; a sample of them.
using TensorSample = std::vector<float>;

/// A power of two as a step is off by up to a factor of sqrt(2) from the step that a tensor wants, and at 4 bits that
/// costs a lot. But a network's scales are free in another way: what a channel of a tensor is multiplied by, in the
/// weights and bias of what makes it, can be divided out of the weights of what reads it, through ReLU and also through
/// ReLU6 where its clamp is scaled alike (cross-layer equalization, Nagel et al., ICCV 2019). Powers of two as factors
/// change nothing about the rounding; factors between 2^-1/2 and 2^1/2 move the values against the powers of
/// two. Each channel takes the one of 8 factors with the least noise, relative to the signal, summed over what it
/// concerns:
///   - the rounding of the weights that make it (its own exponent and offset searched for each factor),
///   - the rounding of its values,
///   - the rounding of the weights that read it: a depthwise channel's at its own exponent and offset, a mixing layer's
///     column with the quantizers of its rows.
/// Tensors with one exponent first take the factor that suits all their values, and narrow ones keep the exponent that
/// goes with it (PlannedTensor::exponent). Tensors that an addition or a pool ties together share one factor for all
/// channels, as do what an exact copy reads and makes. The image and the logits stay.
///   'samples': of each tensor; empty: that one stays, and all that is tied to it.
///   'offsets': whether weights of 2 and 4 bits will have offsets.
/// The float network computes the same but for float rounding. Returns the number of tensors that were scaled.
int align_scales(Plan& plan, const std::vector<TensorSample>& samples, bool offsets, ThreadPool& workers);

/// The 'samples' of align_scales() over these images.
std::vector<TensorSample> sample_tensors(const Plan& plan, const ImageSet& images,
                                         const std::vector<std::size_t>& chosen, ThreadPool& workers,
                                         ActivationMemory& memory);

}  // namespace shiftsim::quantizer
