#include "sim/core/operand_select.h"

#include "sim/core/array_kernel.h"

namespace shiftsim::sim {

OperandSelect::OperandSelect(const Geometry& g)
    : pixels_(g.pixels), channels_(g.channels), stride_(static_cast<std::size_t>(g.sub_blocks() * g.lanes)) {
  for (Operands& operands : operands_) {
    operands.value.resize(static_cast<std::size_t>(g.pixels) * stride_);
    operands.nonzero.resize(stride_);
  }
}

void OperandSelect::read(const std::vector<const std::uint8_t*>& words, int active, bool is_signed) {
  last_ = (last_ + 1) % kKept;
  Operands& operands = operands_[last_];
  operands.active = active;
  widen_words(words.data(), pixels_, channels_, is_signed, operands.value.data(), static_cast<int>(stride_),
              operands.nonzero.data());
}

}  // namespace shiftsim::sim
