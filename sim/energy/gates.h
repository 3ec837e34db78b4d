// What the parts of the inventory are in gates of the RTL's netlist: configs/gates/*.yaml, which scripts/fit_gates
// makes from syntheses.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "sim/energy/inventory.h"

namespace shiftsim::sim {

/// NAND2 equivalents of a part: of each of its bits, and of the part whatever its width.
struct GateCost {
  double per_bit = 0, per_part = 0;
};

/// The longest path of a unit in FO4 delays: base + per_level x log2(lanes + 1) + per_bit x accumulator bits +
/// per_doubling x log2(pixels x columns).
struct PathCost {
  double base = 0, per_level = 0, per_bit = 0, per_doubling = 0;
};

struct GateModel {
  std::string source, file, sha256;
  std::map<std::string, std::map<PartKind, GateCost>> modules;  ///< by RTL module
  std::map<PartKind, GateCost> others;                          ///< of parts in modules that are not listed
  std::map<std::string, PathCost> paths;                        ///< by unit

  /// NAND2 equivalents of all copies of a part; 0 for a memory.
  double nand2(const Part& part) const;
  /// The longest path of the core, in FO4 delays.
  double path_fo4(const ArrayConfig& array) const;
};

/// Reads a file strictly. Throws UserError "FILE:LINE: ...".
GateModel load_gates(const std::filesystem::path& file);

}  // namespace shiftsim::sim
