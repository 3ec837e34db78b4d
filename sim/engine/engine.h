// The cycle engines: SystemC core alone, or in lockstep with the Verilated RTL.
#pragma once

#include "common/images.h"
#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// Compiles the network for config.accelerator and runs the first config.image_count images on the core
/// (fidelity cycle or lockstep), compares every tensor with the golden reference and fills all but 'accuracy'.
/// Progress goes to stderr (common/log.h). Throws UserError where the network does not fit the accelerator; a lockstep
/// difference or a wrong value is no exception but part of the result.
/// 'output': folder for a waveform, should lockstep fail; made if needed.
RunResult run(const RunConfig& config, const qnet::Network& network, const ImageSet& images,
              const std::filesystem::path& output);

}  // namespace shiftsim::sim
