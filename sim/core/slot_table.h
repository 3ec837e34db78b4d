// Where each slot of a tile starts: written by the LOAD unit, read by the sequencer (rtl/shiftsim_slot_agu.sv and
// rtl/shiftsim_bank_window.sv keep it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace shiftsim::sim {

struct Slot {
  std::uint16_t x = 0, xa = 0;  ///< column of the slot's first pixel, and its word's address
  std::uint32_t off = 0;        ///< first word of the bank's window in the ifmap stream, 24 bits
  std::int32_t rem = 0;         ///< pixels of the tile from this slot on
};

/// [half][slot]
using SlotTable = std::array<std::vector<Slot>, 2>;

}  // namespace shiftsim::sim
