// Which arrays may share memory, as they are never needed at the same time.
#pragma once

#include <cstddef>
#include <vector>

namespace shiftsim::quantizer {

/// An array that is needed from step 'first' to step 'last', both included. 'size' in elements; 0: not at all.
struct Lifetime {
  std::size_t size = 0;
  std::size_t first = 0, last = 0;
};

/// Places in one block of memory.
struct ArenaPlan {
  std::vector<std::size_t> offsets;  ///< by array, in elements, multiples of kAlignment
  std::size_t size = 0;              ///< of the block

  static constexpr std::size_t kAlignment = 16;  ///< floats: a cache line
};

/// Arrays that live at the same time do not overlap. Large ones are placed first, each as low as it fits.
ArenaPlan plan_arena(const std::vector<Lifetime>& arrays);

}  // namespace shiftsim::quantizer
