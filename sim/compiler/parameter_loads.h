// The weights and tables of an output-stationary layer: where they stand, and the commands that load them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "sim/compiler/layer_task.h"
#include "sim/compiler/mapping.h"
#include "sim/compiler/program_builder.h"
#include "sim/compiler/reduction_split.h"

namespace shiftsim::sim {

/// Weights and tables stand in DRAM once, however often they are loaded. What is loaded again has a copy in the
/// second-level buffer, as long as there is room.
class ParameterLoads {
public:
  /// All references must outlive this object.
  ParameterLoads(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program);

  /// The activation table. Once for the layer, in front of its first entries of TAB: whoever waits for those finds the
  /// table, too.
  void load_lut();
  /// Of a block of channel tiles, which begins with 'first_tile': the weights, unless the reduction is split, and the
  /// tables.
  void load_block(int first_tile);
  /// Of a channel tile and the piece of that number: a plane's weights, with those of the next plane, from which the
  /// carries come.
  void load_piece(int tile, const ReductionPiece& piece, std::size_t number, int plane);

private:
  /// The area with room for a copy in the second-level buffer, where it is loaded again and there is some left.
  WordsArea with_copy(WordsArea area, bool loaded_again);
  WordsArea place_weights(int first_tile, int end_tile);
  WordsArea place_tables(int first_tile, int end_tile);
  WordsArea place_piece(int tile, const std::vector<int>& steps);

  const LayerTask& task_;
  const Mapping& mapping_;
  ProgramBuilder& program_;
  bool blocks_again_, pieces_again_;                ///< whether they are loaded more than once
  std::map<int, WordsArea> weights_, tables_;       ///< by first channel tile
  std::map<std::array<int, 2>, WordsArea> pieces_;  ///< by channel tile and piece
  std::set<std::array<int, 3>> loaded_pieces_;      ///< channel tile, piece, plane
  std::int64_t copied_bytes_ = 0;                   ///< of the room in the second-level buffer
};

}  // namespace shiftsim::sim
