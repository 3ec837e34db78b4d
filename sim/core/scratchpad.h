// Two-half scratchpads (rtl/shiftsim_scratchpad.sv): every address is checked against the half's depth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/error.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {

class Scratchpad {
public:
  /// 'name' is for messages. 'depth': words in one half. 'banks': memories of this size beside each other. Behind the
  /// last word stand 'slack' bytes that nobody writes, for readers that load more bytes than they use.
  Scratchpad(const char* name, int depth, std::size_t word_bytes, int banks = 1, std::size_t slack = 0)
      : name_(name),
        depth_(static_cast<std::uint32_t>(depth)),
        word_bytes_(word_bytes),
        bytes_(static_cast<std::size_t>(banks) * 2 * static_cast<std::size_t>(depth) * word_bytes + slack) {}

  const std::uint8_t* word(bool half, std::uint32_t address, std::size_t bank = 0) const {
    return bytes_.data() + offset(half, address, bank);
  }
  std::uint8_t* word(bool half, std::uint32_t address, std::size_t bank = 0) {
    return bytes_.data() + offset(half, address, bank);
  }

private:
  std::size_t offset(bool half, std::uint32_t address, std::size_t bank) const {
    SHIFTSIM_CHECK(address < depth_, "{} address {} of {}", name_, address, depth_);
    return ((2 * bank + static_cast<std::size_t>(half)) * depth_ + address) * word_bytes_;
  }

  const char* name_;
  std::uint32_t depth_;
  std::size_t word_bytes_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace shiftsim::sim
