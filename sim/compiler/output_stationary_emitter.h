// The commands of one layer in the output-stationary dataflow.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/program_builder.h"
#include "sim/compiler/reduction_split.h"

namespace shiftsim::sim {

class OutputStationaryEmitter {
public:
  OutputStationaryEmitter(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program)
      : task_(task), mapping_(mapping), program_(program), barrier_pending_(task.index > 0 && !task.alone) {}

  void emit();

private:
  /// One tile of the output: where it begins, the channel tile, and which loads of activations and of weights it works
  /// on, numbered in their order.
  struct Item {
    Place place;
    int tile = 0;
    std::size_t act = 0, weights = 0;
  };
  /// A load: the items that are the first and the last to use it, and which halves it fills.
  struct Loaded {
    std::size_t first = 0, last = 0;
    bool half = false, table_half = false;  ///< table_half: of a block of weights
  };

  /// Of all tiles of the output, image by image.
  std::vector<Place> places() const;
  void make_items();
  void add_block(const Place& place, std::size_t place_number, std::size_t block, std::size_t load);
  bool continues_last_act(const Place& place, int tile) const;
  void emit_item(std::size_t number);
  /// Whether blocks of weights, with their tables, or pieces of a reduction are loaded more than once.
  bool loads_blocks_again() const;
  bool loads_pieces_again() const { return mapping_.k_split && places().size() > 1; }
  /// The area with room for a copy in the second-level buffer, where it is loaded again and there is some left.
  WordsArea with_copy(WordsArea area, bool loaded_again);
  void load_lut();
  void load_weights(int first_tile);
  WordsArea place_weights(int first_tile, int end_tile);
  WordsArea place_tables(int first_tile, int end_tile);
  WordsArea place_piece(int tile, const std::vector<int>& steps);
  /// The layer's first one waits for the layer before.
  void load_activations(const ReadProgram& read, LoadCommand load);
  void load_residual(const Item& item, const Tiling& t);
  ComputeCommand compute_command(const Item& item, const Tiling& t) const;
  void compute_pieces(const Item& item, const Tiling& t, const ComputeCommand& whole);
  void load_piece_weights(const Item& item, const ReductionPiece& piece, std::size_t number, int plane);
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
  std::set<std::array<int, 3>> loaded_pieces_;  ///< channel tile, piece, plane
  std::int64_t copied_bytes_ = 0;               ///< of the room in the second-level buffer
  std::vector<Item> items_;
  std::vector<Loaded> acts_, blocks_;  ///< by number of the load
  bool barrier_pending_;               ///< the first load of activations waits for the layer before
};

}  // namespace shiftsim::sim
