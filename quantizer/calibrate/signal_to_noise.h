// How far values are from others, in dB.
#pragma once

#include <span>

#include "common/thread_pool.h"

namespace shiftsim::quantizer {

/// Ratio of the reference's power to that of the difference; infinite where there is none. The same at any number of
/// threads.
double signal_to_noise(std::span<const float> reference, std::span<const float> other, ThreadPool& workers);

}  // namespace shiftsim::quantizer
