// Stage E: P x N PEs, the offset column S, and the drain registers that the PPU works from. rtl/shiftsim_pe_array.sv,
// rtl/shiftsim_pe.sv, rtl/shiftsim_s_column.sv; the arithmetic of a step is in array_kernel.h. Slots that are not
// active (the last ones) and sums S that nothing is added to are not clocked: they keep what they had, and nobody looks
// at it.
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
  /// Slots, from the first, whose captured sums mean something.
  int drain_slots() const { return drain_slots_; }
  /// Whether the captured S do.
  bool drain_has_s() const { return drain_has_s_; }
  /// [P]
  const std::int32_t* drain_s() const { return drain_s_[drain_].data(); }

private:
  void convolve(const Step& step, const Operands& operands, Events& events);
  void depthwise(const Step& step, const Operands& operands, Events& events);
  void maximum(const Step& step, const Operands& operands, Events& events);
  void add_offsets(const std::int16_t* op, int pixels);
  void capture(const Step& step, int active, Events& events);

  const Geometry& g_;
  const WeightScratchpad& weights_;
  const OperandSelect& operands_;
  CoreCounters& counters_;
  std::vector<std::int32_t> acc_, s_;
  std::array<std::vector<std::int32_t>, 2> drain_acc_, drain_s_;
  std::size_t drain_ = 0;
  int drain_slots_ = 0;
  bool drain_has_s_ = false;
};

}  // namespace shiftsim::sim
