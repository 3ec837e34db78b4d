// One exponent for all tensors that a view joins, decided before any of them is quantized.
#pragma once

#include <vector>

#include "common/thread_pool.h"
#include "quantizer/calibrate/scale_alignment.h"
#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// Sets PlannedTensor::exponent of joined tensors: the one of the least error over the samples of all tensors of a
/// group. 'samples': of the plan's tensors as they are, factors of align_scales() applied. 'norm': of the error.
/// Returns the number of groups.
int decide_joined_exponents(Plan& plan, const std::vector<TensorSample>& samples, double norm, ThreadPool& workers);

}  // namespace shiftsim::quantizer
