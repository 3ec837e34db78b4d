// A sweep on a cluster: a Slurm job array, whose tasks share the sweep's folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace shiftsim::sim {

/// Submits the tasks and gives the job's number. 'folder': of the sweep, seen by all nodes; what the tasks print goes
/// to its folder slurm/. 'options': sbatch's, which win over those given here. Throws UserError with sbatch's message.
std::string submit_to_slurm(const std::filesystem::path& folder, const std::filesystem::path& simrun,
                            const std::vector<std::string>& options);

}  // namespace shiftsim::sim
