// Stage D's operands (rtl/shiftsim_operand_select.sv). A word is widened into operands once, when it is read: the
// selection of a sub-block is then an offset.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/core/geometry.h"

namespace shiftsim::sim {

/// One activation word of every slot.
struct Operands {
  std::vector<std::int16_t> value;    ///< [pixel][stride], 0 where the slot is not active
  std::vector<std::uint8_t> nonzero;  ///< [channel]: pixels whose operand is not 0
  int active = 0;                     ///< active slots
};

class OperandSelect {
public:
  explicit OperandSelect(const Geometry& geometry);

  /// From one pixel's operands to the next: lanes beyond the last channel of a word read zeros.
  std::size_t stride() const { return stride_; }
  /// Takes the words that the banks give, by pixel: null but for 'active' slots.
  void read(const std::vector<const std::uint8_t*>& words, int active, bool is_signed);
  const Operands& at(std::size_t index) const { return operands_[index]; }
  /// The word read last, which the memories' outputs still hold.
  std::size_t last() const { return last_; }

private:
  /// A step may still be in E when the word after the next is read.
  static constexpr std::size_t kKept = 4;

  int pixels_, channels_;
  std::size_t stride_;
  std::array<Operands, kKept> operands_;
  std::size_t last_ = 0;
};

}  // namespace shiftsim::sim
