// Energy: events weighed with a technology's figures. docs/energy.md derives every weight.
#pragma once

#include <array>
#include <cstddef>

#include "sim/config/config.h"
#include "sim/counters/events.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {

enum class Component {
  kPeArray,       ///< digit selection and the adders of the dot products
  kAccumulators,  ///< PE accumulators: adder and register
  kRegisters,     ///< operand and digit registers, drain registers
  kOffsetColumn,
  kPpu,
  kActivation,  ///< scratchpads
  kWeight,
  kTable,
  kResidual,
  kOutput,
  kDram,
  kLeakage,
  kCount
};
inline constexpr std::size_t kComponents = static_cast<std::size_t>(Component::kCount);
inline constexpr std::array<const char*, kComponents> kComponentNames = {"pe_array",
                                                                         "accumulators",
                                                                         "registers",
                                                                         "offset_column",
                                                                         "ppu",
                                                                         "activation_scratchpad",
                                                                         "weight_scratchpad",
                                                                         "table_scratchpad",
                                                                         "residual_scratchpad",
                                                                         "output_scratchpad",
                                                                         "dram",
                                                                         "leakage"};

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

/// pJ of one event of each kind, for this accelerator. What energy() multiplies with, and what docs/energy.md shows.
struct EventEnergy {
  double lane_add = 0, lane_gated = 0;  ///< mac_digit_adds_*, offset_column_adds
  double accumulator_update = 0;        ///< also of the offset column
  double max_compare = 0;
  double register_bit = 0;
  double drain_capture = 0;
  double ppu_op = 0, ppu_offset_op = 0, ppu_residual_op = 0;
  double act_word = 0, weight_pair_word = 0, weight_carry_word = 0, table_word = 0, res_word = 0, out_word = 0,
         out_byte = 0;
  double dram_byte = 0, dram_burst = 0;
  double leakage_per_cycle = 0;
};

EventEnergy event_energy(const AcceleratorConfig& config, const Technology& technology);
/// Static power of the whole accelerator.
double leakage_mw(const AcceleratorConfig& config, const Technology& technology);
EnergyReport energy(const Events& events, const AcceleratorConfig& config, const Technology& technology);

}  // namespace shiftsim::sim
