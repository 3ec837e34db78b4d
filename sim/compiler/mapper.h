// The seam by which a dataflow enters: a layer to commands.
#pragma once

#include <string_view>
#include <vector>

#include "sim/compiler/cost.h"
#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/program_builder.h"

namespace shiftsim::sim {

/// A dataflow. The compiler asks for its candidates, takes the one that costs least, and has it emitted.
class Mapper {
public:
  virtual ~Mapper() = default;

  virtual std::string_view name() const = 0;
  /// The mappings that the accelerator can run, in order of preference at equal cost; at least one. Throws UserError
  /// where a scratchpad is too small for any, naming the layer, the key and the least size.
  virtual std::vector<Mapping> candidates(const LayerTask& task) const = 0;
  virtual Workload workload(const LayerTask& task, const Mapping& mapping) const = 0;
  /// Appends the layer's commands and DMA programs, in the order that docs/hardware.md asks for.
  virtual void emit(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program) const = 0;
};

}  // namespace shiftsim::sim
