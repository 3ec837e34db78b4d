// What a configuration names to run: the network and its images.
#pragma once

#include <cstddef>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// Throws UserError where the configuration names no network, or one that cannot be read.
qnet::Network read_network(const RunConfig& config);

/// The first 'limit' images (0: all) with their labels, where there are some. Throws UserError where the configuration
/// names none, they cannot be read, or the network takes others.
ImageSet read_test_images(const RunConfig& config, const qnet::Network& network, std::size_t limit);

}  // namespace shiftsim::sim
