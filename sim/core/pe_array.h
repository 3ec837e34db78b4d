// Stage E: P x N PEs, the offset column S, and the drain registers that the PPU works from. rtl/pe_array.sv, rtl/pe.sv,
// rtl/s_column.sv; the arithmetic of a step is in array_kernel.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/core/core_counters.h"
#include "sim/core/geometry.h"
#include "sim/core/operand_select.h"
#include "sim/core/step.h"
#include "sim/core/weight_scratchpad.h"

namespace shiftsim::sim {

class PeArray {
public:
  PeArray(const Geometry& geometry, const WeightScratchpad& weights, const OperandSelect& operands,
          CoreCounters& counters);

  /// The clock edge at which a valid step is accumulated and, if it says so, captured.
  void clock(const Step& step);

  /// [P][N], sign-extended from ACC_W bits. Two copies in turn: what a port shows outlives the edge that replaces it.
  const std::int32_t* drain_acc() const { return drain_acc_[drain_].data(); }
  /// [P]
  const std::int32_t* drain_s() const { return drain_s_[drain_].data(); }

private:
  void convolve(const Step& step, const Operands& operands, Events& events);
  void depthwise(const Step& step, const Operands& operands, Events& events);
  void maximum(const Step& step, const Operands& operands, Events& events);
  void add_offsets(const std::int16_t* op);
  void capture(const ComputeCommand& command, Events& events);

  const Geometry& g_;
  const WeightScratchpad& weights_;
  const OperandSelect& operands_;
  CoreCounters& counters_;
  std::vector<std::int32_t> acc_, s_;
  std::array<std::vector<std::int32_t>, 2> drain_acc_, drain_s_;
  std::size_t drain_ = 0;
};

}  // namespace shiftsim::sim
