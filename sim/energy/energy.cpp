#include "sim/energy/energy.h"

#include <numeric>

#include "common/error.h"

namespace shiftsim::sim {

double EnergyReport::total() const {
  return std::accumulate(pj.begin(), pj.end(), 0.0);
}

EnergyReport& EnergyReport::operator+=(const EnergyReport& other) {
  for (std::size_t i = 0; i < kComponents; ++i) pj[i] += other.pj[i];
  return *this;
}

double use_pj(const Part& part, const Use& use, const Technology& technology) {
  const double share = use.gated ? technology.gated_fraction : 1;
  switch (part.kind) {
    case PartKind::kRegister:
      return share * use.amount * technology.register_pj_per_bit;
    case PartKind::kAdder:
      return share * use.amount * technology.adder_pj(part.bits);
    case PartKind::kShifter:
      return share * use.amount * technology.shifter_pj;
    case PartKind::kSelect:
      return share * use.amount * technology.select_pj_per_bit;
    case PartKind::kLogic:
      return 0;
    case PartKind::kSram:
      return share * use.amount * technology.sram_pj_per_bit(part.bits / 8192);
  }
  SHIFTSIM_CHECK(false, "part {} of no known kind", part.name);
}

double event_pj(const Inventory& inventory, std::int64_t Events::*event, const Technology& technology) {
  double pj = 0;
  for (const Part& part : inventory)
    for (const Use& use : part.uses)
      if (use.event == event) pj += use_pj(part, use, technology);
  return pj;
}

double leakage_mw(const Part& part, const Technology& technology) {
  switch (part.kind) {
    case PartKind::kRegister:
      return 1e-6 * part.total_bits() * technology.leakage_register_nw_per_bit;
    case PartKind::kAdder:
      return 1e-6 * part.total_bits() * technology.leakage_adder_nw_per_bit;
    case PartKind::kShifter:
      return 1e-6 * part.count * technology.leakage_shifter_nw;
    case PartKind::kSelect:
    case PartKind::kLogic:
      return 0;  // the technology files have no figure: a few gates a bit
    case PartKind::kSram:
      return 1e-9 * part.total_bits() * technology.leakage_sram_pw_per_bit;
  }
  SHIFTSIM_CHECK(false, "part {} of no known kind", part.name);
}

double leakage_mw(const Inventory& inventory, const Technology& technology) {
  double mw = 0;
  for (const Part& part : inventory) mw += leakage_mw(part, technology);
  return mw;
}

EnergyReport energy(const Events& events, const AcceleratorConfig& config, const Technology& technology) {
  const Inventory inventory = inventory_of(config);
  EnergyReport report;
  for (const Part& part : inventory)
    for (const Use& use : part.uses)
      report[part.component] += static_cast<double>(events.*use.event) * use_pj(part, use, technology);
  report[Component::kDram] =
      static_cast<double>(events.dram_read_bytes + events.dram_write_bytes) * technology.dram_pj_per_64_bits / 8 +
      static_cast<double>(events.dram_bursts) * technology.dram_pj_per_burst;
  // mW x us = nJ = 1000 pJ.
  report[Component::kLeakage] =
      static_cast<double>(events.cycles) * leakage_mw(inventory, technology) * 1000 / config.clock_mhz;
  return report;
}

}  // namespace shiftsim::sim
