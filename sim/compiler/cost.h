// What a mapping costs, before it is run: by this candidates are ranked, and reports print it as 'estimated'.
#pragma once

#include "sim/config/config.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

/// What a mapping asks of the machine, whatever its dataflow.
struct Workload {
  double compute_cycles = 0;  ///< of all COMPUTE commands, if no token is ever missing
  double load_cycles = 0;     ///< of the load unit: a word a cycle, and what each load takes beside its words
  double lead_cycles = 0;     ///< of the first loads, after DRAM's latency
  double tail_cycles = 0;     ///< of the last drain and store
  Events events;              ///< of the commands and of DRAM; those that depend on values or on timing are 0
};

struct Cost {
  double cycles = 0;
  double dram_bytes = 0;
};

/// The longest of three: the array with the first loads before it and the last drain and store behind it; the load unit
/// with the same behind it; DRAM or the second-level buffer. A layer by itself hardly takes less.
Cost cost(const Workload& workload, const AcceleratorConfig& accelerator);

}  // namespace shiftsim::sim
