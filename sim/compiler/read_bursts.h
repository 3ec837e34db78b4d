// Which bursts of DRAM a load touches: what the DMA fetches, and what a mapping's cost is counted in.
#pragma once

#include <vector>

#include "qnet/network.h"
#include "sim/compiler/dram_layout.h"
#include "sim/compiler/program.h"

namespace shiftsim::sim {

/// Channels [channel0, channel1) of the pixels of one area of a stored tensor, as far as they stand in one of its
/// blocks.
struct BlockPart {
  qnet::ChannelSource first;  ///< where pixels stand, and the first of the channels
  int block = 0;
  int channel0 = 0, channel1 = 1;
};

/// What a load reads of each block of an area of a view, in the order in which the DMA goes through them: from the
/// first to the last channel that is wanted of a block, in the order of their first channels.
std::vector<BlockPart> block_parts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout,
                                   const qnet::SourceArea& area);

/// The bursts of one load, image by image. Of a tile the rows and columns inside the tensor; of a stem (im2row) all
/// input pixels that its windows cover, each once. A load of some channels of a block touches the bursts that hold
/// them.
BurstList read_bursts(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);
/// Their bytes alone, without a list.
std::int64_t read_bytes(const ReadProgram& read, const qnet::Network& network, const DramLayout& layout);

}  // namespace shiftsim::sim
