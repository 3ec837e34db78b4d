// Reconstruction units: the parts of a network that are optimized one after another.
#pragma once

#include <string>
#include <vector>

#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// Consecutive layers of the plan with one tensor that leaves them.
struct Unit {
  int first = 0, last = 0;  ///< layers
  std::vector<int> inputs;  ///< tensors made outside that the layers read, each once; one, but for kLayer
  int output = -1;          ///< tensor
  std::string name;         ///< of the layers, for people
};

/// Splits the plan at the places where exactly one tensor is alive, by structure only:
///   - what stands between two such places is never split: residual blocks with their shortcuts;
///   - of single layers in a row, a depthwise convolution stays with the pointwise one behind it, and where that has no
///     activation function (a bottleneck) with the pointwise one in front, too;
///   - a max pool stays with what makes its input, a global pool with what reads it.
std::vector<Unit> partition(const Plan& plan, Granularity granularity);

}  // namespace shiftsim::quantizer
