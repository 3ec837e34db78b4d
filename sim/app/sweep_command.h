// simrun sweep.
#pragma once

#include "sim/app/sweep_cli.h"

namespace shiftsim::sim {

/// Does what the command line says, and gives the exit status. Throws UserError.
int run_sweep_command(const SweepCommandLine& command);

}  // namespace shiftsim::sim
