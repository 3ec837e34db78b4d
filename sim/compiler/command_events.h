// The events that a program's commands bring with them, whenever they run: counted command by command, without running
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/compiler/program.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

/// Adds what 'times' such commands bring to a layer's events.
void add_events(const LoadCommand& command, const Geometry& g, std::int64_t times, Events& events);
void add_events(const ComputeCommand& command, const Geometry& g, std::int64_t times, Events& events);
void add_events(const StoreCommand& command, const Geometry& g, std::int64_t times, Events& events);

/// Events of each of 'layers' layers in one image. Left at 0: what depends on values (sim/transaction/value_counts.h),
/// and what the machine's timing decides (cycles, idle cycles, token moves) or DRAM's addresses (read_bursts.h).
std::vector<Events> command_events(const Program& program, std::size_t layers);

}  // namespace shiftsim::sim
