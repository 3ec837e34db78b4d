// Energy per event, area and delay of a technology, from configs/technologies/*.yaml; each figure with its source.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/energy/gates.h"

namespace shiftsim::sim {

/// Where a section's figures come from.
struct Source {
  std::string section, text;
  bool estimate = false;  ///< our judgement, not published
};

/// Values at some sizes.
struct Curve {
  std::vector<double> at, value;
};

struct Technology {
  std::string name, description, file, sha256;

  Curve adder;                     ///< pJ of an integer addition, by bits
  double select_pj_per_bit = 0;    ///< choosing 0, +-a or +-2a
  double gated_fraction = 0;       ///< a lane with a zero operand, as a part of one that adds
  double register_pj_per_bit = 0;  ///< one flip-flop bit clocked
  double shifter_pj = 0;           ///< 32-bit variable shift
  Curve sram;                      ///< pJ of 64 bits, by KiB
  double dram_pj_per_64_bits = 0;
  double dram_pj_per_burst = 0;
  double leakage_register_nw_per_bit = 0, leakage_adder_nw_per_bit = 0, leakage_shifter_nw = 0;
  double leakage_sram_pw_per_bit = 0;

  GateModel gates;                ///< of the RTL, in NAND2 equivalents and FO4 delays
  double nand2_um2 = 0;           ///< the smallest NAND of two inputs
  double placement_density = 1;   ///< cells' part of the area that logic is placed in
  double sram_um2_per_bit_1 = 0;  ///< a memory of one port, with all around its cells
  double sram_port_factor = 1;    ///< for each port more
  double fo4_ps = 0;              ///< an inverter that drives four of its kind
  std::vector<Source> sources;    ///< in the order of the file

  /// An addition of so many bits: straight lines between the points and on through the last two; below the first
  /// in proportion.
  double adder_pj(double bits) const;
  /// One bit read from or written to a memory of this capacity: straight lines over the square root of the capacity;
  /// outside the points in proportion to it.
  double sram_pj_per_bit(double kib) const;
  double sram_um2_per_bit(int ports) const;
};

/// Reads a technology file strictly. Throws UserError "FILE:LINE: ...".
Technology load_technology(const std::filesystem::path& file);

}  // namespace shiftsim::sim
