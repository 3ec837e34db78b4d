#include "sim/core/weight_scratchpad.h"

#include <algorithm>

#include "common/error.h"

namespace shiftsim::sim {

WeightScratchpad::WeightScratchpad(const Geometry& g)
    : depth_(static_cast<std::uint32_t>(g.wgt_depth)),
      lanes_(static_cast<std::size_t>(g.lanes)),
      channels_(static_cast<std::size_t>(g.channels)) {
  const std::size_t words = 2 * static_cast<std::size_t>(depth_);
  for (Digits* digits : {&without_carry_, &with_carry_}) {
    digits->value.resize(words * lanes_ * channels_);
    digits->nonzero.resize(words * lanes_);
  }
}

std::size_t WeightScratchpad::index(bool half, std::uint32_t address) const {
  SHIFTSIM_CHECK(address < depth_, "WGT address {} of {}", address, depth_);
  return static_cast<std::size_t>(half) * depth_ + address;
}

void WeightScratchpad::write_pairs(bool half, std::uint32_t address, const std::uint8_t* data) {
  const std::size_t at = index(half, address);
  std::int16_t* digits = without_carry_.value.data() + at * lanes_ * channels_;
  std::uint8_t* nonzero = without_carry_.nonzero.data() + at * lanes_;
  std::fill_n(nonzero, lanes_, std::uint8_t{0});
  for (std::size_t n = 0; n < channels_; ++n)
    for (std::size_t l = 0; l < lanes_; ++l) {
      const std::size_t i = n * lanes_ + l;
      const int pair = (data[i / 4] >> (2 * (i % 4))) & 3;
      const int digit = -2 * (pair >> 1) + (pair & 1);
      digits[l * channels_ + n] = static_cast<std::int16_t>(digit);
      nonzero[l] = static_cast<std::uint8_t>(nonzero[l] + (digit != 0));
    }
}

void WeightScratchpad::write_carries(bool half, std::uint32_t address, const std::uint8_t* data) {
  const std::size_t at = index(half, address);
  const std::int16_t* pairs = without_carry_.value.data() + at * lanes_ * channels_;
  std::int16_t* digits = with_carry_.value.data() + at * lanes_ * channels_;
  std::uint8_t* nonzero = with_carry_.nonzero.data() + at * lanes_;
  std::fill_n(nonzero, lanes_, std::uint8_t{0});
  for (std::size_t n = 0; n < channels_; ++n)
    for (std::size_t l = 0; l < lanes_; ++l) {
      const std::size_t i = n * lanes_ + l;
      const std::size_t place = l * channels_ + n;
      const int carry = (data[i / 4] >> (2 * (i % 4) + 1)) & 1;
      digits[place] = static_cast<std::int16_t>(pairs[place] + carry);
      nonzero[l] = static_cast<std::uint8_t>(nonzero[l] + (digits[place] != 0));
    }
}

}  // namespace shiftsim::sim
