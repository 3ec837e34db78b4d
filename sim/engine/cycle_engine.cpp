#include "sim/engine/cycle_engine.h"

#include "sim/compiler/compiler.h"
#include "sim/engine/machine_run.h"

namespace shiftsim::sim {

CycleEngine::CycleEngine(const EngineSetup& setup)
    : setup_(setup), program_(compile(setup.network, setup.config.accelerator)) {}

RunResult CycleEngine::run(const ImageSet& images) {
  MachineRun machine(setup_, program_, {});
  machine.run(images);
  return machine.result();
}

}  // namespace shiftsim::sim
