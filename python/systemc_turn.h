// Calls that simulate with SystemC, one after the other.
#pragma once

#include <mutex>

namespace shiftsim::python {

/// Waits until no other call simulates with SystemC, which has one machine a process; throws Stopped
/// (common/watcher.h).
std::unique_lock<std::timed_mutex> systemc_turn();

}  // namespace shiftsim::python
