// Accuracy of the golden reference over a test set.
#pragma once

#include "common/images.h"
#include "qnet/network.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// Throws UserError where a label is no class of the network.
void check_labels(const qnet::Network& network, const ImageSet& images);

/// Runs all of 'images' through the golden reference (threads 0: all processors) with progress on stderr. Without
/// labels the accuracy stays unknown.
AccuracyResult evaluate(const qnet::Network& network, const ImageSet& images, int threads);

}  // namespace shiftsim::sim
