#include "quantizer/float/memory_budget.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/error.h"

namespace shiftsim::quantizer {

MemoryBudget::MemoryBudget(std::size_t limit, std::size_t taken)
    : limit_(limit), taken_(std::make_shared<std::size_t>(taken)) {}

MemoryBudget::Share MemoryBudget::take(std::size_t bytes) {
  return {taken_, bytes};
}

MemoryBudget::Share MemoryBudget::take_if_left(std::size_t bytes) {
  if (*taken_ + bytes > limit_) return {};
  return {taken_, bytes};
}

MemoryBudget::Share::Share(std::shared_ptr<std::size_t> taken, std::size_t bytes)
    : taken_(std::move(taken)), bytes_(bytes) {
  *taken_ += bytes_;
}

MemoryBudget::Share::~Share() {
  if (taken_) *taken_ -= bytes_;
}

MemoryBudget::Share::Share(Share&& other) noexcept
    : taken_(std::move(other.taken_)), bytes_(std::exchange(other.bytes_, 0)) {}

MemoryBudget::Share& MemoryBudget::Share::operator=(Share&& other) noexcept {
  if (this == &other) return *this;
  if (taken_) *taken_ -= bytes_;
  taken_ = std::move(other.taken_);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void check_memory(const MemoryBudget& budget, const std::vector<StageMemory>& stages, int threads) {
  const auto most = std::ranges::max_element(stages, {}, &StageMemory::bytes);
  if (most == stages.end() || budget.taken() + most->bytes <= budget.limit() + kBesideTheLimit) return;
  const auto gigabytes = [](std::size_t bytes) { return static_cast<double>(bytes) / 1e9; };
  // Rounded up, so that what is asked for is enough.
  const double least = std::ceil(gigabytes(budget.taken() + most->bytes - kBesideTheLimit) * 100 + 1) / 100;
  fail(
      "memory.limit_gb: found {:.4g}, expected at least {:.2f}: stage '{}' takes {:.2f} GB on {} threads, the network "
      "and the images {:.2f} GB; fewer threads, smaller batches or fewer images take less",
      gigabytes(budget.limit()), least, most->stage, gigabytes(most->bytes), threads, gigabytes(budget.taken()));
}

}  // namespace shiftsim::quantizer
