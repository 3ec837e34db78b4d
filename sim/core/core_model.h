// The core, cycle by cycle: docs/hardware.md in C++, cut into units as rtl/shiftsim_core.sv is. clock() is one edge.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/core_counters.h"
#include "sim/core/ex_sequencer.h"
#include "sim/core/geometry.h"
#include "sim/core/load_unit.h"
#include "sim/core/operand_select.h"
#include "sim/core/pe_array.h"
#include "sim/core/ports.h"
#include "sim/core/ppu.h"
#include "sim/core/scratchpads.h"
#include "sim/core/store_unit.h"
#include "sim/core/tokens.h"

namespace shiftsim::sim {

/// Where the last capture into the drain registers came from, for messages.
struct DrainOrigin {
  int layer = 0;
  std::int64_t command = 0;  ///< running number of the COMPUTE command
  std::uint32_t j = 0;       ///< pixel of each slot
  std::uint32_t seg = 0;
};

class CoreModel {
public:
  /// 'layers': how many layer tags there are; counters are kept for each.
  CoreModel(const Geometry& geometry, int layers);
  CoreModel(const CoreModel&) = delete;
  CoreModel& operator=(const CoreModel&) = delete;

  /// Values of the output ports in the present cycle.
  const CoreOutputs& outputs() const { return out_; }
  /// The clock edge that ends the present cycle, with what stood on the inputs during it.
  void clock(const CoreInputs& in);
  /// An image begins on a core that is idle: cycles before its first command count for layer 0.
  void begin_batch() { sequencer_.begin_batch(); }
  /// All registers as after reset; counters stay.
  void reset();

  const Geometry& geometry() const { return g_; }
  const std::vector<Events>& events() const { return counters_.events; }
  const std::vector<CauseCycles>& causes() const { return counters_.causes; }
  std::int64_t cycle() const { return cycle_; }
  const DrainOrigin& drain_origin() const { return drain_origin_; }
  /// COMPUTE commands taken up so far.
  std::int64_t commands_started() const { return sequencer_.commands_started(); }

private:
  void count_cycle();
  Cause cause() const;
  void drive();
  bool stalled() const { return sequencer_.e().valid && sequencer_.e().capture && !ppu_.ready(); }

  Geometry g_;
  CoreCounters counters_;
  Tokens tokens_;
  Scratchpads scratchpads_;
  LoadUnit load_;
  OperandSelect operands_;
  ExSequencer sequencer_;
  PeArray array_;
  Ppu ppu_;
  StoreUnit store_;
  CoreOutputs out_;
  bool stall_ = false;    ///< the global stall of the present cycle
  bool drained_ = false;  ///< the edge before captured
  DrainOrigin drain_origin_;
  std::int64_t cycle_ = 0;
};

}  // namespace shiftsim::sim
