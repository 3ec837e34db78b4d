// A step of the array on its way from the sequencer's stage F through D to E, and the command it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/core/commands.h"

namespace shiftsim::sim {

/// Bits of the registers between D and E: an operand is a signed or unsigned byte; a digit's control is negative, one,
/// two.
inline constexpr int kOperandBits = 9, kDigitBits = 3;

/// A COMPUTE command at work.
struct Context {
  const ComputeCommand* command = nullptr;
  int layer = 0;
  std::int64_t number = 0;  ///< running number of the command
};

/// docs/hardware.md, "COMPUTE (EX) unit": what F sends to D and E.
struct Step {
  bool valid = false, plane0 = false, clear = false, shift = false, s_en = false, capture = false, end = false;
  int sub = 0;  ///< sub-block of the activation word
  std::uint32_t j = 0;
  const Context* context = nullptr;
  std::size_t words = 0;    ///< which of OperandSelect's words
  std::size_t weights = 0;  ///< WeightScratchpad::index() of the weight word
};

}  // namespace shiftsim::sim
