// Every part of an accelerator: what it is, how wide, how often, and which events use it. Energy, leakage and area
// derive from it; tests/rtl/inventory_test.cpp counts the same registers and memories in the netlist of the RTL.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/config/config.h"
#include "sim/counters/events.h"
#include "sim/energy/component.h"

namespace shiftsim::sim {

/// kLogic: gates that take area, and have no energy of their own in any technology file (multiplexers in front of
/// registers, masks, adders of addresses).
enum class PartKind { kRegister, kAdder, kShifter, kSelect, kLogic, kSram };
inline constexpr PartKind kPartKinds[] = {PartKind::kRegister, PartKind::kAdder, PartKind::kShifter,
                                          PartKind::kSelect,   PartKind::kLogic, PartKind::kSram};
const char* to_string(PartKind kind);

/// What one event does with a part. 'amount': bits clocked (register), selected (select), read or written (SRAM);
/// additions or shifts.
struct Use {
  std::int64_t Events::*event = nullptr;
  double amount = 0;
  bool gated = false;  ///< an operand is zero: only a part of the energy
};

struct Part {
  std::string name;  ///< "load.command_fifo"
  PartKind kind = PartKind::kRegister;
  double bits = 0;   ///< of one: flip-flops; width of an adder, shifter, selection or logic; capacity of a memory
  double count = 0;  ///< how many there are
  Component component = Component::kControl;
  std::string module;  ///< of the RTL that holds it; empty where the RTL has none (DMA)
  std::vector<Use> uses;
  int ports = 0;  ///< of a memory: read and write ports

  double total_bits() const { return bits * count; }
};

using Inventory = std::vector<Part>;

Inventory inventory_of(const AcceleratorConfig& config);

}  // namespace shiftsim::sim
