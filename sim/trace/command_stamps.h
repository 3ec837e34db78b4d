// The commands of a program with the cycles at which their units work on them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// Of the first image: cycles [from, to) from its beginning, all layers counted.
struct Stamp {
  std::int64_t from = -1, to = -1;
};

struct CommandStamps {
  std::vector<Stamp> loads, computes, stores;  ///< one a command of Program
};

/// LOAD: its words arrive. COMPUTE: its steps and its waits for tokens, up to the next command's. STORE: its words
/// leave.
CommandStamps stamp_commands(const qnet::Network& network, const Program& program, const DramConfig& dram);

/// The commands of one layer as CSV, a line each in the order of their queue: queue, number in the queue, from, to, the
/// command in hexadecimal (320 bits), its fields.
std::string commands_csv(const Program& program, const CommandStamps& stamps, int layer);

}  // namespace shiftsim::sim
