// Tensors that a view joins are summed over together, so they have one exponent.
#pragma once

#include <vector>

#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// By tensor: the first of those whose codes must mean the same. Max pools and views hand codes on.
std::vector<int> scale_leaders(const Plan& plan);

/// Marks the tensors that a view joins to others (PlannedTensor::is_joined). Gives the tensors of such a group the
/// width of the widest, and each view the range that holds the codes of what it shows. Where some are signed, unsigned
/// ones of 8 bits become signed, as a byte holds no more.
void join_ranges(Plan& plan);

}  // namespace shiftsim::quantizer
