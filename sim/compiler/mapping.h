// One way to run a layer on the array: the tile, and the order of the loops around it.
#pragma once

#include "sim/compiler/tiling.h"

namespace shiftsim::sim {

struct Mapping {
  Tiling tiling;               ///< of the largest tile; those at the lower and right edge may be smaller
  int block = 1;               ///< channel tiles whose weights and tables are loaded together
  bool weights_outer = false;  ///< every tile of the output for one block of channels, then the next block
  bool k_split = false;        ///< the reduction in pieces, each with a load of weights of its own
};

}  // namespace shiftsim::sim
