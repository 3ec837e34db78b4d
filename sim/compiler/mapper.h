// The seam by which a dataflow enters: a layer to commands.
#pragma once

#include <functional>
#include <string_view>

#include "sim/compiler/cost.h"
#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/program_builder.h"

namespace shiftsim::sim {

/// A dataflow. Who maps a layer looks at its candidates, takes one, and has it emitted.
class Mapper {
public:
  using Visitor = std::function<void(const Mapping&, const Workload&)>;

  virtual ~Mapper() = default;

  virtual std::string_view name() const = 0;
  /// Shows every mapping that the accelerator can run and that is as 'fixed' says; none, if that does not fit. What a
  /// smaller scratchpad can run, a larger one can, too. Throws UserError where nothing is fixed and a scratchpad is too
  /// small for any mapping, naming the layer, the key and the least size.
  virtual void visit_candidates(const LayerTask& task, const FixedMapping& fixed, const Visitor& visit) const = 0;
  /// Of a mapping that the accelerator can run.
  virtual Workload workload(const LayerTask& task, const Mapping& mapping) const = 0;
  /// Appends the layer's commands and DMA programs, in the order that docs/hardware.md asks for.
  virtual void emit(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program) const = 0;
};

}  // namespace shiftsim::sim
