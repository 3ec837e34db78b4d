// Which bursts of DRAM a load touches: what the DMA fetches, and what a mapping's cost is counted in.
#pragma once

#include "qnet/network.h"
#include "sim/compiler/dram_layout.h"
#include "sim/compiler/program.h"

namespace shiftsim::sim {

/// The bursts of one load. Of a tile the rows and columns inside the tensor; of a stem (im2row) all input pixels that
/// its windows cover, each once. A load of some channels of a block touches the bursts that hold them.
BurstList read_bursts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);
/// Their bytes alone, without a list.
std::int64_t read_bytes(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);

}  // namespace shiftsim::sim
