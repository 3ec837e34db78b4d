// One machine (system.h) run over images, its values compared with the golden reference: what the cycle engines share.
#pragma once

#include "qnet/golden.h"
#include "sim/compiler/program.h"
#include "sim/engine/engine.h"
#include "sim/engine/system.h"

namespace shiftsim::sim {

class MachineRun {
public:
  /// The program must outlive this object.
  MachineRun(const EngineSetup& setup, const Program& program, const SystemOptions& options);

  /// Runs the first config.image_count images. Stops, and returns false, where lockstep finds a difference.
  bool run(const ImageSet& images);
  /// Layers, cycles, values and time of what has been run.
  RunResult result() const;
  const System& system() const { return system_; }

private:
  void compare_values(const std::uint8_t* image);

  const EngineSetup& setup_;
  const Program& program_;
  qnet::Golden golden_;
  System system_;
  std::int64_t started_ = 0;
  ValueCheck values_;
  double host_seconds_ = 0;
};

}  // namespace shiftsim::sim
