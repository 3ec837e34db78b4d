// Where the cycles of a layer went: the cores attribute each to one cause, reports print them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace shiftsim::sim {

/// Where a cycle of a layer went. Every cycle has exactly one cause; they sum to the layer's cycles.
enum class Cause {
  kRun,          ///< a step is issued to the array
  kSetup,        ///< a COMPUTE command is taken up
  kPpu,          ///< the array waits for the PPU
  kActivations,  ///< no activation half is filled: DRAM or the load unit is behind
  kWeights,
  kTables,
  kResidual,
  kOutput,     ///< both output halves wait to be stored
  kBarrier,    ///< loads wait for the stores of the layer before
  kDrain,      ///< the array has finished, the last outputs go through PPU and STORE
  kNoCommand,  ///< the COMPUTE FIFO is empty for another reason
  kCount
};
inline constexpr std::size_t kCauses = static_cast<std::size_t>(Cause::kCount);
inline constexpr std::array<const char*, kCauses> kCauseNames = {
    "run", "setup", "ppu", "activations", "weights", "tables", "residual", "output", "barrier", "drain", "no_command"};

using CauseCycles = std::array<std::int64_t, kCauses>;

}  // namespace shiftsim::sim
