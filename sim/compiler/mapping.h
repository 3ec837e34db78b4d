// One way to run a layer on the array: the tile, and the order of the loops around it. docs/mapping.md shows them.
#pragma once

#include <cstdint>

#include "sim/compiler/cost.h"
#include "sim/compiler/tiling.h"

namespace shiftsim::sim {

struct Mapping {
  Tiling tiling;  ///< of the largest tile; those at the lower and right edge may be smaller
  int block = 1;  ///< channel tiles whose weights and tables are loaded together
  /// The outer loop: over blocks of weights, each of which stays for every tile of the output; else over tiles of the
  /// output, whose activations stay for every block.
  bool weights_outer = false;
  int held = 1;          ///< 1 or 2 of what stays, in one or both halves of its scratchpad
  bool k_split = false;  ///< the reduction in pieces, each with a load of weights of its own
  /// Activations, too: each piece and digit plane loads its part of the window. Then a tile is one pixel.
  bool act_split = false;

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

/// A layer's mapping with what is known of it. What is not known is 0.
struct MappedLayer {
  Mapping mapping;
  Cost estimate;                  ///< by which it was ranked
  std::int64_t alone_cycles = 0;  ///< of the layer by itself on an idle machine
  int candidates = 0;             ///< from which it was chosen
  int tried = 0;                  ///< of them run
};

}  // namespace shiftsim::sim
