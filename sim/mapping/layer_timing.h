// What one mapping of one layer costs, exactly: the layer alone on the transaction machine.
#pragma once

#include <cstdint>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapper.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

struct ExactCost {
  std::int64_t cycles = 0;
  std::int64_t dram_bytes = 0;
  Events events;  ///< those that depend on values left out: they are the same for every mapping
};

/// Runs the layer by itself on an idle machine. 'task' waits for no layer before it (LayerTask::alone).
ExactCost run_alone(const Mapper& mapper, const LayerTask& task, const Mapping& mapping);

}  // namespace shiftsim::sim
