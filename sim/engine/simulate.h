// A whole run as one call: what simrun does between reading its files and printing the report.
#pragma once

#include <filesystem>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/energy/technology.h"
#include "sim/engine/network_facts.h"
#include "sim/report/report.h"

namespace shiftsim::sim {

/// Runs the network of 'facts' on the first config.image_count of its images with the engine of config.fidelity, and
/// the golden reference on all of them for the accuracy. The report is complete; nothing is written but a waveform into
/// 'output', should lockstep fail. Several runs may share 'facts': what does not depend on the accelerator is computed
/// once. Throws UserError: fewer images than are to be run, a network that does not fit the accelerator, a technology
/// file that cannot be read, a clock that it does not reach.
Report simulate(const RunConfig& config, NetworkFacts& facts, const std::filesystem::path& output = {});

/// The same with a technology that is at hand.
Report simulate(const RunConfig& config, const Technology& technology, NetworkFacts& facts,
                const std::filesystem::path& output = {});

/// The same for one run; also throws UserError for a label that the network has no class for.
Report simulate(const RunConfig& config, const qnet::Network& network, const ImageSet& images,
                const std::filesystem::path& output = {});

}  // namespace shiftsim::sim
