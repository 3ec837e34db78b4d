// Fidelity 'cycle': the SystemC core alone.
#pragma once

#include "sim/compiler/program.h"
#include "sim/engine/engine.h"

namespace shiftsim::sim {

class CycleEngine : public Engine {
public:
  explicit CycleEngine(const EngineSetup& setup);
  RunResult run(const ImageSet& images) override;

private:
  EngineSetup setup_;
  Program program_;
};

}  // namespace shiftsim::sim
