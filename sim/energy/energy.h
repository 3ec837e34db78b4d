// Energy: the events that use the inventory's parts, weighed with a technology's figures (docs/energy.md).
#pragma once

#include <array>

#include "sim/config/config.h"
#include "sim/counters/events.h"
#include "sim/energy/component.h"
#include "sim/energy/inventory.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {

/// Energy by component, in pJ.
struct EnergyReport {
  std::array<double, kComponents> pj{};

  double& operator[](Component c) { return pj[static_cast<std::size_t>(c)]; }
  double operator[](Component c) const { return pj[static_cast<std::size_t>(c)]; }
  double total() const;
  /// Without DRAM: what the chip itself takes.
  double on_chip() const { return total() - (*this)[Component::kDram]; }
  EnergyReport& operator+=(const EnergyReport& other);
};

/// What one use of a part takes, in pJ.
double use_pj(const Part& part, const Use& use, const Technology& technology);
/// What one event takes in all parts together, in pJ.
double event_pj(const Inventory& inventory, std::int64_t Events::*event, const Technology& technology);
/// Static power of a part, all of its copies together, in mW.
double leakage_mw(const Part& part, const Technology& technology);
double leakage_mw(const Inventory& inventory, const Technology& technology);
EnergyReport energy(const Events& events, const AcceleratorConfig& config, const Technology& technology);

}  // namespace shiftsim::sim
