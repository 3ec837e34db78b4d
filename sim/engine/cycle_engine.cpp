#include "sim/engine/cycle_engine.h"

#include "sim/engine/machine_run.h"
#include "sim/engine/mapped_program.h"

namespace shiftsim::sim {

CycleEngine::CycleEngine(const EngineSetup& setup)
    : setup_(setup), program_(mapped_program(setup.network, setup.config, Contents::kFilled)) {}

RunResult CycleEngine::run(const ImageSet& images) {
  MachineRun machine(setup_, program_, {});
  machine.run(images);
  return machine.result();
}

}  // namespace shiftsim::sim
