// What a COMPUTE command comes to, counted in steps of the array and beats of the PPU. docs/hardware.md, "COMPUTE (EX)
// unit" and "PPU".
#pragma once

#include <cstdint>

#include "sim/core/commands.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {

/// Activation words that a slot reads for a pixel and plane.
inline std::int64_t words_of(const ComputeCommand& c) {
  return std::int64_t{c.ky_n} * c.kx_n * c.cw_n;
}

/// Steps of a pixel in one plane.
inline std::int64_t plane_steps_of(const ComputeCommand& c, const Geometry& g) {
  if (c.mode != Mode::kConv) return words_of(c);
  return std::int64_t{c.ky_n} * c.kx_n * (std::int64_t{c.cw_n - 1} * g.sub_blocks() + c.sub_last);
}

/// Steps of a pixel.
inline std::int64_t steps_of(const ComputeCommand& c, const Geometry& g) {
  return plane_steps_of(c, g) * c.planes;
}

/// Passes of the PPU over a pixel's outputs: 32-bit outputs come byte by byte.
inline int passes_of(const ComputeCommand& c) {
  return c.wide ? 4 : 1;
}

/// Beats of the PPU for what one step captures: a pixel of every slot.
inline std::int64_t beats_of(const ComputeCommand& c, const Geometry& g) {
  return std::int64_t{g.pixels} * passes_of(c) * g.ppu_beats();
}

}  // namespace shiftsim::sim
