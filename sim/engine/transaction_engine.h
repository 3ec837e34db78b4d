// Fidelity 'transaction': cycles and events without values, equal to those of 'cycle'.
#pragma once

#include "sim/compiler/program.h"
#include "sim/engine/engine.h"

namespace shiftsim::sim {

class TransactionEngine : public Engine {
public:
  explicit TransactionEngine(const EngineSetup& setup);
  RunResult run(const ImageSet& images) override;

private:
  EngineSetup setup_;
  Program program_;
};

}  // namespace shiftsim::sim
