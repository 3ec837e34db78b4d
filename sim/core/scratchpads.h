// All memories of the core.
#pragma once

#include "sim/core/geometry.h"
#include "sim/core/scratchpad.h"
#include "sim/core/weight_scratchpad.h"

namespace shiftsim::sim {

struct Scratchpads {
  /// A table entry is read as 8 bytes, of which it uses 7.
  static constexpr std::size_t kTableSlack = 8;

  Scratchpad act, tab, res, out;
  Scratchpad lut;  ///< activation tables; the PPU's lanes have copies, which are always alike
  WeightScratchpad wgt;

  explicit Scratchpads(const Geometry& g)
      : act("ACT", g.act_depth, static_cast<std::size_t>(g.act_word_bytes()), g.pixels),
        tab("TAB", g.tab_depth, static_cast<std::size_t>(g.tab_word_bytes()), 1, kTableSlack),
        res("RES", g.res_depth, static_cast<std::size_t>(g.channels)),
        out("OUT", g.out_depth, static_cast<std::size_t>(g.channels)),
        lut("LUT", kLutWords, kLutEntriesPerWord),
        wgt(g) {}
};

}  // namespace shiftsim::sim
