// What energy is reported by.
#pragma once

#include <array>
#include <cstddef>

namespace shiftsim::sim {

enum class Component {
  kPeArray,       ///< digit selection and the adders of the dot products
  kAccumulators,  ///< PE accumulators: adder and register
  kRegisters,     ///< operand and digit registers, drain registers
  kOffsetColumn,
  kPpu,
  kControl,     ///< command FIFOs, contexts, counters, address generators, tokens
  kActivation,  ///< scratchpads
  kWeight,
  kTable,
  kResidual,
  kOutput,
  kL2,   ///< second-level buffer
  kDma,  ///< buffers between DRAM and scratchpads
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
                                                                         "control",
                                                                         "activation_scratchpad",
                                                                         "weight_scratchpad",
                                                                         "table_scratchpad",
                                                                         "residual_scratchpad",
                                                                         "output_scratchpad",
                                                                         "l2",
                                                                         "dma",
                                                                         "dram",
                                                                         "leakage"};

}  // namespace shiftsim::sim
