// One machine (system.h) run over images, its values compared with the golden reference: what the cycle engines share.
#pragma once

#include <cstddef>

#include "qnet/golden.h"
#include "sim/compiler/program.h"
#include "sim/engine/machine_totals.h"
#include "sim/engine/system.h"

namespace shiftsim::sim {

class MachineRun {
public:
  /// The references must outlive this object.
  MachineRun(const qnet::Network& network, const Program& program, const DramConfig& dram,
             const SystemOptions& options);

  /// Runs one image; 'number' is for messages. Returns false where lockstep finds a difference.
  bool run(const std::uint8_t* image, std::size_t number);
  MachineTotals totals() const;

private:
  void compare_values(const std::uint8_t* image, std::size_t number);

  const qnet::Network& network_;
  qnet::Golden golden_;
  System system_;
  std::int64_t started_ = 0;
  ValueCheck values_;
  double seconds_ = 0;
};

}  // namespace shiftsim::sim
