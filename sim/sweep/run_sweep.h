// Runs a sweep on all processors: worker processes that share its folder.
#pragma once

#include <filesystem>

#include "sim/sweep/sweep_plan.h"
#include "sim/sweep/sweep_work.h"

namespace shiftsim::sim {

struct Workers {
  /// Processes. 0: none, all is done in this one. SystemC has one machine a process, so threads would not do.
  int count = 0;
  std::filesystem::path simrun, quantrun;  ///< programs
};

/// As many workers as this process may use processors.
int all_processors();

/// Returns when all rows are there. Other processes may do the same in the same folder at the same time: they share the
/// work. Progress goes to stderr. Throws UserError: a network that cannot be read or made, a full disk.
void run_sweep(const SweepPlan& plan, SweepWork& work, const Workers& workers);

/// What a worker process does: computes rows until others have all that are left. It ends with the process that started
/// it.
void run_worker(const std::filesystem::path& folder);

}  // namespace shiftsim::sim
