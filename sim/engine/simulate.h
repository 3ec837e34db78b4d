// A whole run as one call: what simrun does between reading its files and printing the report.
#pragma once

#include <filesystem>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/report/report.h"

namespace shiftsim::sim {

/// Runs the network on the first config.image_count of 'images' with the engine of config.fidelity, and the golden
/// reference on all of them for the accuracy, which is kept for later runs (accuracy_cache.h). The report is complete;
/// nothing is written but a waveform into 'output', should lockstep fail. Throws UserError: fewer images than are to
/// be run, a label that the network has no class for, a network that does not fit the accelerator, a technology file
/// that cannot be read.
Report simulate(const RunConfig& config, const qnet::Network& network, const ImageSet& images,
                const std::filesystem::path& output = {});

}  // namespace shiftsim::sim
