// Which tensors of a plan may have an exponent for each channel.
#pragma once

#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// Sets PlannedTensor::per_channel of tensors that only layers read which keep the channels apart: it costs nothing, as
/// the shift tables are per channel anyway.
void find_channel_exponents(Plan& plan);

}  // namespace shiftsim::quantizer
