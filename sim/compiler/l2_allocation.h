// Which tensors stay on chip, in the second-level buffer, which weights have a copy there, and where: each for as long
// as it lives.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::sim {

/// First bytes in the buffer. None: it has no place there.
struct L2Places {
  std::vector<std::optional<std::int64_t>> tensors;
  std::vector<std::optional<std::int64_t>> weights;  ///< of each layer
};

/// 'tensor_bytes': of each tensor, whole bursts, the copies of all images of a batch together; 'weight_bytes': of the
/// weights and tables of each layer that may be read more than once, 0 for others; 'capacity': of the buffer. Image and
/// logits stay in DRAM, where the host reads and writes them. A tensor lives from the layer that stores it to the last
/// one that reads it; tensors that live at the same time do not overlap. Taken first is what saves most DRAM traffic
/// for the room and the time that it takes up. Tensors that one view reads stay all or none, as a load has one level.
/// Weights get what tensors leave, the smallest first: from the layer before, in whose time the first of them are
/// loaded, to the end of their own.
L2Places allocate_l2(const qnet::Network& network, const std::vector<std::int64_t>& tensor_bytes,
                     const std::vector<std::int64_t>& weight_bytes, std::int64_t capacity);

}  // namespace shiftsim::sim
