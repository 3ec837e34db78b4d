// The commands of one tile of an output-stationary layer, as far as they depend on its size alone.
#pragma once

#include <cstdint>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/reduction_split.h"
#include "sim/compiler/tiling.h"

namespace shiftsim::sim {

/// A field of a command. The packer refuses what is too wide for it.
inline std::uint32_t u32(std::int64_t value) {
  return static_cast<std::uint32_t>(value);
}

/// The load of a tile's activations.
LoadCommand activation_load(const LayerView& view, const Tiling& t);

/// The load of the activations of a piece of the reduction, for one pixel of each of 'images' images.
LoadCommand piece_load(const LayerView& view, const ReductionPiece& piece, int images);

/// The computation of a tile of pixels and channels, without halves, addresses and tokens.
ComputeCommand tile_compute(const LayerTask& task, const Tiling& t);

/// What of 'whole', the computation of a tile, a piece of the reduction comes to: one plane of it, with the same
/// halves, bases of weights and tables, and tokens. 'act_split': the piece's activations are loaded by themselves.
ComputeCommand piece_compute(const ComputeCommand& whole, const LayerTask& task, const Tiling& t,
                             const ReductionPiece& piece, bool act_split);

}  // namespace shiftsim::sim
