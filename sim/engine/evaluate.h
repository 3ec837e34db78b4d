// Accuracy of the golden reference over a test set.
#pragma once

#include "common/images.h"
#include "qnet/network.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// Runs all of 'images' through the golden reference (threads 0: all processors) with progress on stderr. Without
/// labels the accuracy stays unknown. Labels that the network has no class for are UserErrors.
AccuracyResult evaluate(const qnet::Network& network, const ImageSet& images, int threads);

}  // namespace shiftsim::sim
