// The parameters of one core: array, PPU, accumulators and scratchpad depths. docs/hardware.md, "Parameters".
#pragma once

#include <compare>

namespace shiftsim::sim {

/// a/b rounded up, for positive integers.
template <typename T>
constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

/// Entries of an activation table in a word of its memories, and these words.
inline constexpr int kLutEntriesPerWord = 4, kLutWords = 256 / kLutEntriesPerWord;

struct Geometry {
  int pixels = 4;     ///< P: output pixels at a time (array rows = pixels * lanes)
  int channels = 16;  ///< N: output channels (array columns)
  int lanes = 4;      ///< L: input channels a PE adds per cycle, at most N
  int ppu_lanes = 8;  ///< Q: at most N
  int acc_bits = 24;
  int act_depth = 512, wgt_depth = 1024, tab_depth = 64, res_depth = 1024, out_depth = 1024;  ///< words in one half
  int cmd_depth = 4;               ///< entries of each command FIFO
  bool activation_tables = false;  ///< the PPU has a fourth stage with activation tables

  int sub_blocks() const { return ceil_div(channels, lanes); }     ///< SB: steps that one activation word feeds
  int ppu_beats() const { return ceil_div(channels, ppu_lanes); }  ///< QB: PPU cycles per pixel
  int act_word_bytes() const { return channels; }
  int wgt_word_bits() const { return 2 * channels * lanes; }  ///< a digit for each lane of a column
  int wgt_word_bytes() const { return ceil_div(wgt_word_bits(), 8); }
  int tab_word_bits() const { return 56 * ppu_lanes; }
  int tab_word_bytes() const { return tab_word_bits() / 8; }

  auto operator<=>(const Geometry&) const = default;
};

}  // namespace shiftsim::sim
