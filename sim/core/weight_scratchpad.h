// The weights' pair and carry memories with the recoders behind them (rtl/shiftsim_digit_stage.sv,
// rtl/shiftsim_recoder.sv). Words are recoded into digits when they are written, not at every read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/core/geometry.h"

namespace shiftsim::sim {

class WeightScratchpad {
public:
  explicit WeightScratchpad(const Geometry& geometry);

  /// 2NL pair bits at an address of a half.
  void write_pairs(bool half, std::uint32_t address, const std::uint8_t* data);
  /// The top bit of each pair of 'data', as the Booth carry into the word at this address.
  void write_carries(bool half, std::uint32_t address, const std::uint8_t* data);

  /// Where a word's digits stand.
  std::size_t index(bool half, std::uint32_t address) const;
  /// Digits [lane][channel] in [-2, 2]. 'plane0': without carry.
  const std::int16_t* digits(std::size_t index, bool plane0) const {
    return memory(plane0).value.data() + index * lanes_ * channels_;
  }
  /// For each lane: channels whose digit is not 0.
  const std::uint8_t* nonzero(std::size_t index, bool plane0) const {
    return memory(plane0).nonzero.data() + index * lanes_;
  }

private:
  struct Digits {
    std::vector<std::int16_t> value;    ///< [address][lane][channel]
    std::vector<std::uint8_t> nonzero;  ///< [address][lane]
  };
  const Digits& memory(bool plane0) const { return plane0 ? without_carry_ : with_carry_; }

  std::uint32_t depth_;
  std::size_t lanes_, channels_;
  Digits without_carry_;  ///< plane 0
  Digits with_carry_;     ///< all other planes
};

}  // namespace shiftsim::sim
