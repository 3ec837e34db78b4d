// The networks of a sweep's 'quantize' axes, made by quantrun.
#pragma once

#include <filesystem>
#include <vector>

#include "sim/sweep/sweep_plan.h"

namespace shiftsim::sim {

/// Makes those that are not there yet, each once: other processes that make them, too, are waited for. What quantrun
/// prints goes to a file beside the network. Throws UserError with its last line where it fails.
void make_networks(const std::vector<NetworkToMake>& networks, const std::filesystem::path& quantrun);

}  // namespace shiftsim::sim
