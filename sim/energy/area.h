// Area and clock of an accelerator in a technology, without running anything: the inventory's parts in gates, the gates
// and memories in mm2 (docs/area.md).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "sim/config/config.h"
#include "sim/energy/component.h"
#include "sim/energy/inventory.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {

/// Area by component, in mm2. DRAM and leakage have none.
struct Area {
  std::array<double, kComponents> mm2{};
  double nand2 = 0;       ///< of all logic, in NAND2 equivalents
  double logic_mm2 = 0;   ///< of it, placed
  double memory_mm2 = 0;  ///< of all memories

  double& operator[](Component c) { return mm2[static_cast<std::size_t>(c)]; }
  double operator[](Component c) const { return mm2[static_cast<std::size_t>(c)]; }
  double total() const { return logic_mm2 + memory_mm2; }
};

/// Of all copies of a part.
double area_mm2(const Part& part, const Technology& technology);
Area area(const AcceleratorConfig& config, const Technology& technology);

/// The clock at which the longest path of the core just fits.
double highest_clock_mhz(const AcceleratorConfig& config, const Technology& technology);
/// What is wrong with the configuration's clock_mhz, or nothing.
std::optional<std::string> clock_problem(const AcceleratorConfig& config, const Technology& technology);

}  // namespace shiftsim::sim
