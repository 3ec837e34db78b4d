// The networks of a sweep's 'quantize' axes, made by quantrun.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "sim/sweep/sweep_plan.h"

namespace shiftsim::sim {

/// Makes a network where it belongs, whole or not at all; throws UserError where it cannot.
using MakeNetwork = std::function<void(const NetworkToMake& wanted)>;

/// By the program quantrun. What it prints goes to a file beside the network; its last line is the error's message.
MakeNetwork made_by_program(const std::filesystem::path& quantrun);

/// Makes those that are not there yet, each once: other processes that make them, too, are waited for.
void make_networks(const std::vector<NetworkToMake>& networks, const MakeNetwork& make);

}  // namespace shiftsim::sim
