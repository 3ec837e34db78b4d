// Places in containers.
#pragma once

#include <cstddef>

namespace shiftsim {

/// The place of tensor, layer or channel 'i', which a network numbers with signed integers (-1: none), in a container.
inline std::size_t index(int i) {
  return static_cast<std::size_t>(i);
}

}  // namespace shiftsim
