// How much the DMA's buffers hold.
#pragma once

#include <cstdint>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// Bytes of the buffer for what is read ahead, and of the one for what is to be written: DramConfig::buffer_bytes(), or
/// more where a word of the program waits for more.
std::int64_t read_buffer_bytes(const qnet::Network& network, const Program& program, const DramConfig& config);

}  // namespace shiftsim::sim
