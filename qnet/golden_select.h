// Which kernels the golden reference runs on: for tests, which compare all of them, and for benchmarks.
#pragma once

#include "qnet/golden_kernels.h"

namespace shiftsim::qnet {

/// Objects of Golden made from now on use these kernels; null: the fastest that this processor can run.
void force_kernels(const Kernels* kernels);

}  // namespace shiftsim::qnet
