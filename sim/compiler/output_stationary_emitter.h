// The commands of one layer in the output-stationary dataflow.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/program_builder.h"

namespace shiftsim::sim {

class OutputStationaryEmitter {
public:
  OutputStationaryEmitter(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program)
      : task_(task), mapping_(mapping), program_(program), barrier_pending_(task.index > 0) {}

  void emit();

private:
  /// One tile of the output: its corner, and the channel tile.
  struct Item {
    int y0, x0, tile;
  };
  /// Which scratchpad halves an item is the first to use, or the last.
  struct Reuse {
    bool new_act, last_of_act, new_weights, last_of_weights;
  };

  std::vector<Item> items() const;
  Reuse reuse(const std::vector<Item>& items, std::size_t i) const;
  void emit_item(const Item& item, const Reuse& reuse, bool last);
  void load_weights(int first_tile);
  WordsArea place_weights(int first_tile, int end_tile);
  WordsArea place_tables(int first_tile, int end_tile);
  WordsArea place_piece(int tile, const std::vector<int>& steps);
  void load_activations(const Item& item, const Tiling& t);
  void load_residual(const Item& item, const Tiling& t);
  ComputeCommand compute_command(const Item& item, const Tiling& t) const;
  void compute_pieces(const Item& item, const Tiling& t, const ComputeCommand& whole);
  void compute(const ComputeCommand& command, const Item& item, const Tiling& t);
  void store(const Item& item, const Tiling& t, bool last);
  /// A channel tile's place among those that are loaded together.
  int place_in_block(int tile) const { return tile % mapping_.block; }

  const LayerTask& task_;
  const Mapping& mapping_;
  ProgramBuilder& program_;
  /// Weights and tables stand in DRAM once, however often they are loaded: by first channel tile; by channel tile
  /// and piece of the reduction.
  std::map<int, WordsArea> weights_, tables_;
  std::map<std::array<int, 2>, WordsArea> pieces_;
  bool barrier_pending_;  ///< the first load of activations waits for the layer before
};

}  // namespace shiftsim::sim
