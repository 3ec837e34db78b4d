// Fidelity 'golden': values only. Accuracy is the golden reference's, so nothing is left to run.
#pragma once

#include "sim/engine/engine.h"

namespace shiftsim::sim {

class GoldenEngine : public Engine {
public:
  explicit GoldenEngine(const EngineSetup&) {}
  RunResult run(const ImageSet&) override { return {}; }
};

}  // namespace shiftsim::sim
