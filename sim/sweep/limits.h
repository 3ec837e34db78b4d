// How large a sweep may be.
#pragma once

#include <cstddef>

namespace shiftsim::sim {

inline constexpr std::size_t kMostPoints = 10'000'000;

}  // namespace shiftsim::sim
