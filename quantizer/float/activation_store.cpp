#include "quantizer/float/activation_store.h"

#include <utility>

#include "common/log.h"

namespace shiftsim::quantizer {

ActivationMemory::ActivationMemory(MemoryBudget& budget, std::filesystem::path folder)
    : budget_(budget), folder_(std::move(folder)) {}

ActivationMemory::Block ActivationMemory::allocate(std::size_t count) {
  Block block;
  if (count == 0) return block;
  const std::size_t bytes = count * sizeof(float);
  block.share_ = budget_.take_if_left(bytes);
  if (block.share_.bytes() > 0) {
    block.floats_ = MappedFloats::anonymous(count);
  } else {
    block.floats_ = MappedFloats::in_file(folder_, count);
    spdlog::debug("{:.2f} GB of activations in {}", static_cast<double>(bytes) / 1e9, folder_.string());
  }
  return block;
}

}  // namespace shiftsim::quantizer
