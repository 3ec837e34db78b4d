// Runs a sweep on all processors: workers, processes or threads, that share its folder.
#pragma once

#include <filesystem>

#include "sim/sweep/make_networks.h"
#include "sim/sweep/sweep_plan.h"
#include "sim/sweep/sweep_work.h"

namespace shiftsim::sim {

struct Workers {
  /// 0: none, all is done by the calling thread.
  int count = 0;
  /// The program to start as worker processes. Empty: the workers are threads of this process, or none where an engine
  /// needs SystemC, which has one machine a process.
  std::filesystem::path simrun;
  MakeNetwork make_network;
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
