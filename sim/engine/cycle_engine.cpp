#include "sim/engine/cycle_engine.h"

#include "sim/engine/machine_totals.h"
#include "sim/engine/mapped_program.h"

namespace shiftsim::sim {

CycleEngine::CycleEngine(const EngineSetup& setup)
    : setup_(setup), program_(mapped_program(setup.network, setup.config, Contents::kFilled)) {}

RunResult CycleEngine::run(const ImageSet& images) {
  return result_of(setup_, program_, run_machines(setup_, program_, {}, images));
}

}  // namespace shiftsim::sim
