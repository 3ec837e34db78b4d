// The folder of a sweep: what it belongs to, so that two sweeps do not mix their results.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sim/sweep/sweep_plan.h"

namespace shiftsim::sim {

/// Reads a sweep file and makes its folder, or finds it: a sweep that was interrupted, or that others work on.
/// 'output': the folder; empty: <name> in the folder that run.results names. Throws UserError where the folder holds
/// something else, or results of another file, another program or other inputs.
std::unique_ptr<SweepPlan> start_sweep(const std::filesystem::path& file, const std::vector<std::string>& set,
                                       const std::filesystem::path& output);

/// The same of a sweep that is a mapping at hand; its relative paths count from the current folder.
std::unique_ptr<SweepPlan> start_sweep(const YAML::Node& keys, const std::vector<std::string>& set,
                                       const std::filesystem::path& output);

/// The sweep of a folder that start_sweep made. 'check': throw UserError where its inputs have changed since.
std::unique_ptr<SweepPlan> join_sweep(const std::filesystem::path& folder, bool check);

}  // namespace shiftsim::sim
