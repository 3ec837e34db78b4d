#include "sim/compiler/parameter_loads.h"

#include <algorithm>

#include "sim/compiler/output_stationary_loops.h"
#include "sim/compiler/tile_commands.h"

namespace shiftsim::sim {

ParameterLoads::ParameterLoads(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program)
    : task_(task), mapping_(mapping), program_(program) {
  const std::int64_t places = place_count(task, mapping.tiling);
  blocks_again_ = !mapping.weights_outer && mapping.block < task.channel_tiles() && places > mapping.held;
  pieces_again_ = mapping.k_split && places > 1;
}

WordsArea ParameterLoads::with_copy(WordsArea area, bool loaded_again) {
  const L2Room room = task_.dram.weight_room(task_.index);
  const std::int64_t burst = task_.dram.burst_bytes();
  const std::int64_t bytes =
      ceil_div(ceil_div<std::int64_t>(std::int64_t{area.count} * area.dram_bits, 8), burst) * burst;
  if (!loaded_again || copied_bytes_ + bytes > room.bytes) return area;
  area.l2_address = room.address + static_cast<std::uint64_t>(copied_bytes_);
  copied_bytes_ += bytes;
  return area;
}

WordsArea ParameterLoads::place_weights(int first_tile, int end_tile) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const auto append = [&](std::vector<std::uint8_t>& image) {
    for (int tile = first_tile; tile < end_tile; ++tile)
      for (int plane = 0; plane < view.planes; ++plane)
        for (int step = 0; step < view.steps; ++step)
          append_weight_word(task_.network, task_.layer(), view, g, task_.channel_tile(tile), step, plane, image);
  };
  return program_.place_words((end_tile - first_tile) * task_.weight_words(), g.wgt_word_bytes(), g.wgt_word_bits(),
                              append);
}

WordsArea ParameterLoads::place_tables(int first_tile, int end_tile) {
  const Geometry& g = task_.geometry;
  const auto append = [&](std::vector<std::uint8_t>& image) {
    for (int tile = first_tile; tile < end_tile; ++tile)
      append_table_words(task_.network, task_.layer(), task_.view, g, task_.channel_tile(tile), image);
  };
  return program_.place_words((end_tile - first_tile) * g.ppu_beats(), g.tab_word_bytes(), g.tab_word_bits(), append);
}

/// Plane after plane, so that one load takes a plane with the next, from which its carries come.
WordsArea ParameterLoads::place_piece(int tile, const std::vector<int>& steps) {
  const Geometry& g = task_.geometry;
  const LayerView& view = task_.view;
  const auto append = [&](std::vector<std::uint8_t>& image) {
    for (int plane = 0; plane < view.planes; ++plane)
      for (const int step : steps)
        append_weight_word(task_.network, task_.layer(), view, g, task_.channel_tile(tile), step, plane, image);
  };
  return program_.place_words(view.planes * static_cast<int>(steps.size()), g.wgt_word_bytes(), g.wgt_word_bits(),
                              append);
}

void ParameterLoads::load_lut() {
  const std::vector<std::uint8_t>& table = task_.layer().table;
  const auto append = [&](std::vector<std::uint8_t>& image) { image.insert(image.end(), table.begin(), table.end()); };
  program_.load_lut(program_.place_words(kLutWords, kLutEntriesPerWord, 8 * kLutEntriesPerWord, append));
}

void ParameterLoads::load_block(int first_tile) {
  const int end_tile = std::min(first_tile + mapping_.block, task_.channel_tiles());
  const bool first_time = !tables_.contains(first_tile);
  if (task_.has_weights() && !mapping_.k_split) {
    if (first_time) weights_[first_tile] = with_copy(place_weights(first_tile, end_tile), blocks_again_);
    program_.load_words(Target::kWgt, weights_[first_tile], first_time, u32(task_.view.steps));
  }
  if (first_time) tables_[first_tile] = with_copy(place_tables(first_tile, end_tile), blocks_again_);
  program_.load_words(Target::kTab, tables_[first_tile], first_time);
}

void ParameterLoads::load_piece(int tile, const ReductionPiece& piece, std::size_t number, int plane) {
  const std::array<int, 2> key = {tile, static_cast<int>(number)};
  const std::vector<int> steps = piece.steps(task_.view, task_.geometry);
  if (!pieces_.contains(key)) pieces_[key] = with_copy(place_piece(tile, steps), pieces_again_);
  const int count = static_cast<int>(steps.size());
  const int planes = plane == task_.view.planes - 1 ? 1 : 2;
  const bool first_time = loaded_pieces_.insert({tile, static_cast<int>(number), plane}).second;
  program_.load_words(Target::kWgt, pieces_[key].part(plane * count, planes * count), first_time, u32(count));
}

}  // namespace shiftsim::sim
