// Accuracy of the golden reference over a test set.
#pragma once

#include <cstdint>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// Throws UserError where a label is no class of the network.
void check_labels(const qnet::Network& network, const ImageSet& images);

/// 'correct' of 'images' (above 0) in percent.
double percent_of(std::int64_t correct, std::int64_t images);

/// Runs all of 'images' through the golden reference (threads 0: all processors) with progress on stderr. Without
/// labels the accuracy stays unknown.
AccuracyResult evaluate(const qnet::Network& network, const ImageSet& images, int threads);

}  // namespace shiftsim::sim
