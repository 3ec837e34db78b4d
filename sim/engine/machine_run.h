// One machine (system.h) run over images, its values compared with the golden reference: what the cycle engines share.
#pragma once

#include <cstddef>

#include "common/images.h"
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

  /// Runs the images of one batch, of which the first is number 'first'. Returns false where lockstep finds a
  /// difference.
  bool run(const ImageSet& images, std::size_t first);
  MachineTotals totals() const;

private:
  /// 'in_batch': which of the batch the image is; 'number': of all images, for messages.
  void compare_values(const std::uint8_t* image, int in_batch, std::size_t number);

  const qnet::Network& network_;
  qnet::Golden golden_;
  int batch_;
  System system_;
  std::int64_t started_ = 0;
  ValueCheck values_;
  double seconds_ = 0;
};

}  // namespace shiftsim::sim
