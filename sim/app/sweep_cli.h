// The command line of simrun sweep.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace shiftsim::sim {

/// What the command line says; empty where an option was not given.
struct SweepCommandLine {
  std::filesystem::path file, output;
  std::filesystem::path join, status, collect;  ///< folders of sweeps that began elsewhere
  std::filesystem::path worker;                 ///< a process that another one started
  std::vector<std::string> overrides;
  std::optional<std::vector<std::string>> sbatch;  ///< with --slurm: what follows it
  int workers = 0;                                 ///< 0: as many as processors
  int verbosity = 1;
};

/// Whether the arguments are for sweep_command_line.
bool is_sweep(int argc, const char* const* argv);

/// Parses 'simrun sweep ...'. Prints help or a message itself and then gives the exit status instead.
struct ParsedSweepCommandLine {
  SweepCommandLine command;
  std::optional<int> exit_status;
};
ParsedSweepCommandLine parse_sweep_command_line(int argc, const char* const* argv);

}  // namespace shiftsim::sim
