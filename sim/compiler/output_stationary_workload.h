// What an output-stationary mapping asks of the machine, counted tile class by tile class instead of tile by tile.
#pragma once

#include "sim/compiler/cost.h"
#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"

namespace shiftsim::sim {

/// All that follows from the tile alone, whatever the loops around it.
class TilingWorkload {
public:
  /// 'act_split': see Mapping.
  TilingWorkload(const LayerTask& task, const Tiling& tiling, bool act_split);

  /// Tiles of the output of all images, all channels.
  std::int64_t places() const { return places_; }
  /// 'mapping' has this tiling.
  Workload of(const Mapping& mapping) const;

private:
  /// Tiles of the same size: those inside, and those at the right and the lower edge.
  void add_tiles(int rows, int cols, std::int64_t count, bool act_split);
  void add_activations(const Tiling& t, std::int64_t count);
  /// Instead of one load for a tile, one for each piece and plane of each channel tile.
  void add_split_activations(const Tiling& t, std::int64_t count);
  std::int64_t split_activation_bytes() const;
  std::int64_t activation_loads(const Mapping& mapping) const;
  std::int64_t weight_passes(const Mapping& mapping) const;
  void add_weights(const Mapping& mapping, Workload& workload) const;
  void add_lut(Workload& workload) const;

  const LayerTask& task_;
  Tiling tiling_;
  std::int64_t places_ = 0;
  double compute_cycles_ = 0, residual_cycles_ = 0;
  Events tile_events_;  ///< of computations, stores and residuals
  /// Of one load of activations for every place.
  Events act_events_;
  double act_cycles_ = 0;
  std::int64_t act_bytes_ = 0;
  double lead_cycles_ = 0, tail_cycles_ = 0;
};

}  // namespace shiftsim::sim
