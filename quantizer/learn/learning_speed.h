// How long learning takes on this machine.
#pragma once

#include <cstddef>

#include "common/thread_pool.h"
#include "quantizer/plan/units.h"

namespace shiftsim::quantizer {

/// Seconds that one iteration of learning the unit takes: forward and backward over a batch of 'batch' images, measured
/// on random values with the float weights (the second of two iterations).
double seconds_an_iteration(const Plan& plan, const Unit& unit, int batch, ThreadPool& workers);

}  // namespace shiftsim::quantizer
