// Which bursts of DRAM a load touches: what the DMA fetches, and what a mapping's cost is counted in.
#pragma once

#include <vector>

#include "qnet/network.h"
#include "sim/compiler/dram_layout.h"
#include "sim/compiler/program.h"

namespace shiftsim::sim {

/// Channels [channel0, channel1) of a stored tensor, as far as they stand in one of its blocks. Of a view with repeated
/// pixels, pixel (y, x) stands at (y / up_h, x / up_w).
struct BlockPart {
  int tensor = 0, block = 0, channel0 = 0, channel1 = 1;
  int up_h = 1, up_w = 1;
};

/// What a load of pixels reads of each block, in the order in which the DMA goes through them. Of a view: from the
/// first to the last channel that is wanted of a block, in the order of their first channels.
std::vector<BlockPart> block_parts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);

/// The bursts of one load. Of a tile the rows and columns inside the tensor; of a stem (im2row) all input pixels that
/// its windows cover, each once. A load of some channels of a block touches the bursts that hold them.
BurstList read_bursts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);
/// Their bytes alone, without a list.
std::int64_t read_bytes(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);

}  // namespace shiftsim::sim
