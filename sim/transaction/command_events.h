// The events that a program's commands bring with them, whenever they run: counted command by command, without running
// them.
#pragma once

#include <vector>

#include "sim/compiler/program.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

/// Events of each of 'layers' layers in one image. Left at 0: what depends on values (value_counts.h), and what the
/// machine's timing decides (cycles, idle cycles, token moves) or DRAM's addresses (transaction_machine.h).
std::vector<Events> command_events(const Program& program, std::size_t layers);

}  // namespace shiftsim::sim
