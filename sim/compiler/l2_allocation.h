// Which tensors stay on chip, in the second-level buffer, and where: each for as long as it lives.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::sim {

/// First byte in the buffer of every tensor that stays in it. 'bytes': of each tensor, whole bursts; 'capacity': of the
/// buffer. Image and logits stay in DRAM, where the host reads and writes them. A tensor lives from the layer that
/// stores it to the last one that reads it; tensors that live at the same time do not overlap. Taken first is what
/// saves most DRAM traffic for the room and the time that it takes up. Tensors that one view reads stay all or none, as
/// a load has one level.
std::vector<std::optional<std::int64_t>> allocate_l2(const qnet::Network& network,
                                                     const std::vector<std::int64_t>& bytes, std::int64_t capacity);

}  // namespace shiftsim::sim
