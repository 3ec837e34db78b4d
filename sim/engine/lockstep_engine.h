// Fidelity 'lockstep': the SystemC core and the Verilated RTL, compared in every cycle.
#pragma once

#include <cstdint>
#include <string>

#include "sim/compiler/program.h"
#include "sim/engine/engine.h"
#include "sim/engine/system.h"

namespace shiftsim::sim {

class LockstepEngine : public Engine {
public:
  /// Throws UserError where the RTL cannot be built.
  explicit LockstepEngine(const EngineSetup& setup);
  RunResult run(const ImageSet& images) override;

private:
  std::string scope() const;
  std::string record_waveform(const ImageSet& images, std::int64_t images_run, std::int64_t difference_cycle) const;

  EngineSetup setup_;
  Program program_;
  SystemOptions options_;
};

}  // namespace shiftsim::sim
