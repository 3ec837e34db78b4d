// What a mapping costs. The only place that says so: mappings are chosen by it, reports print it as 'estimated'.
#pragma once

#include "sim/config/config.h"

namespace shiftsim::sim {

/// Transfers of one kind in a layer, all of the same size.
struct Transfers {
  double count = 0;
  double words = 0;            ///< of one transfer, one a cycle through the scratchpad's port
  double dram_bytes = 0;       ///< of one transfer
  double overhead_cycles = 0;  ///< of one transfer, in which the port moves nothing
};

/// What a mapping asks of the machine, whatever its dataflow.
struct Workload {
  double compute_cycles = 0;  ///< of all COMPUTE commands
  double drain_cycles = 0;    ///< of the last tile, through the PPU
  Transfers activations, weights, tables, residuals, stores;
};

struct Cost {
  double cycles = 0;
  double dram_bytes = 0;
};

/// The longest of array, load port and DRAM, plus what overlaps with none of them.
Cost cost(const Workload& workload, const DramConfig& dram);

}  // namespace shiftsim::sim
