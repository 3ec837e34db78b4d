#include "sim/memory/tensor_memory.h"

#include <algorithm>
#include <cstring>

namespace shiftsim::sim {
namespace {
constexpr std::uint8_t kPoison = 0xa5;
}

TensorMemory::TensorMemory(const qnet::Network& network, int batch) : network_(network), batch_(batch) {
  for (int image = 0; image < batch; ++image)
    for (const qnet::Tensor& tensor : network.tensors)
      tensors_.emplace_back(tensor.size() * (tensor.bits == qnet::kLogitsBits ? 4 : 1), kPoison);
}

void TensorMemory::set_input(const std::uint8_t* images) {
  for (int image = 0; image < batch_; ++image) {
    std::vector<std::uint8_t>& input = tensors_[place(0, image)];
    std::memcpy(input.data(), images, input.size());
    images += input.size();
  }
}

void TensorMemory::poison() {
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (i % network_.tensors.size() != 0) std::fill(tensors_[i].begin(), tensors_[i].end(), kPoison);
}

std::vector<std::int32_t> TensorMemory::values(int tensor, int image) const {
  const qnet::Tensor& spec = network_.tensors[static_cast<std::size_t>(tensor)];
  const std::vector<std::uint8_t>& bytes = tensors_[place(tensor, image)];
  std::vector<std::int32_t> result(spec.size());
  if (spec.bits == qnet::kLogitsBits) {
    std::memcpy(result.data(), bytes.data(), bytes.size());
  } else {
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = spec.is_signed ? static_cast<std::int8_t>(bytes[i]) : bytes[i];
  }
  return result;
}

}  // namespace shiftsim::sim
