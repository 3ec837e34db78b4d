// What the DMA gathers for a tile of a layer.
#pragma once

#include "sim/compiler/layer_task.h"
#include "sim/compiler/program.h"
#include "sim/compiler/reduction_split.h"
#include "sim/compiler/tiling.h"

namespace shiftsim::sim {

/// The input of the output tile that begins at 'at', for one channel tile.
ReadProgram activation_read(const LayerTask& task, const Tiling& t, const Place& at, int channel_tile);
/// Of an output tile of one pixel an image, the part of its window that a piece of the reduction covers.
ReadProgram piece_read(const LayerTask& task, const Tiling& t, const ReductionPiece& piece, const Place& at,
                       int channel_tile);
/// The residual of the same tile.
ReadProgram residual_read(const LayerTask& task, const Tiling& t, const Place& at, int channel_tile);
/// The output of the same tile, as if it were read: the bursts that a store writes.
ReadProgram output_area(const LayerTask& task, const Tiling& t, const Place& at, int channel_tile);

}  // namespace shiftsim::sim
