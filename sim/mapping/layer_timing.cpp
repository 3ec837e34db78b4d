#include "sim/mapping/layer_timing.h"

#include "common/error.h"
#include "sim/transaction/transaction_machine.h"

namespace shiftsim::sim {

ExactCost run_alone(const Mapper& mapper, const LayerTask& task, const Mapping& mapping) {
  SHIFTSIM_CHECK(task.alone, "layer {} would wait for the layer before it", task.layer().name);
  Program program;
  program.geometry = task.geometry;
  program.dram = task.dram;
  program.l2 = task.accelerator.l2;
  ProgramBuilder builder(program, /*contents=*/false);
  builder.begin_layer(task.index, task.layer().name);
  mapper.emit(task, mapping, builder);
  TransactionMachine machine(task.network, program, task.accelerator.dram);
  machine.run(1);
  ExactCost cost;
  // Waiting for the first command counts for layer 0.
  for (const Events& events : machine.events()) cost.events += events;
  cost.cycles = cost.events.cycles;
  cost.dram_bytes = cost.events.dram_read_bytes + cost.events.dram_write_bytes;
  return cost;
}

}  // namespace shiftsim::sim
