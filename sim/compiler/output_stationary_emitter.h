// The commands of one layer in the output-stationary dataflow.
#pragma once

#include <vector>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/output_stationary_loops.h"
#include "sim/compiler/parameter_loads.h"
#include "sim/compiler/program_builder.h"

namespace shiftsim::sim {

class OutputStationaryEmitter {
public:
  OutputStationaryEmitter(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program)
      : task_(task),
        mapping_(mapping),
        program_(program),
        parameters_(task, mapping, program),
        barrier_pending_(task.index > 0 && !task.alone) {}

  void emit();

private:
  /// Which halves a load of weights and tables fills.
  struct BlockHalves {
    bool weights = false, tables = false;
  };

  void emit_item(const TileItem& item, bool last);
  void load_parameters(const TileItem& item);
  /// The layer's first one waits for the layer before.
  void load_activations(const ReadProgram& read, LoadCommand load);
  void load_residual(const TileItem& item, const Tiling& t);
  ComputeCommand compute_command(const TileItem& item, const Tiling& t) const;
  void compute_pieces(const TileItem& item, const Tiling& t, const ComputeCommand& whole);
  void compute(const ComputeCommand& command, const TileItem& item, const Tiling& t);
  void store(const TileItem& item, const Tiling& t, bool last);
  /// A channel tile's place among those that are loaded together.
  int place_in_block(int tile) const { return tile % mapping_.block; }

  const LayerTask& task_;
  const Mapping& mapping_;
  ProgramBuilder& program_;
  ParameterLoads parameters_;
  // By number of the load.
  std::vector<bool> act_halves_;
  std::vector<BlockHalves> block_halves_;
  bool barrier_pending_;  ///< the first load of activations waits for the layer before
};

}  // namespace shiftsim::sim
