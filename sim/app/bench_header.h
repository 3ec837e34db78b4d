// A layer as the macros that golden/bench.sv is written in.
#pragma once

#include <string>

#include "qnet/network.h"

namespace shiftsim::sim {

/// The text of layer.vh.
std::string bench_header(const qnet::Network& network, const qnet::Layer& layer);

}  // namespace shiftsim::sim
