// The PPU: turns captured sums into output bytes, Q lanes a cycle, in three stages, or four with activation tables.
// rtl/shiftsim_ppu.sv; docs/hardware.md, "PPU".
#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/core_counters.h"
#include "sim/core/geometry.h"
#include "sim/core/pe_array.h"
#include "sim/core/scratchpads.h"
#include "sim/core/step.h"
#include "sim/core/tokens.h"

namespace shiftsim::sim {

class Ppu {
public:
  Ppu(const Geometry& geometry, Tokens& tokens, Scratchpads& scratchpads, const PeArray& array, CoreCounters& counters);

  void reset();
  bool idle() const { return !busy_ && !b1_.valid && !b2_.valid && !b3_.valid; }
  /// No beat is left, or this is the last one: sums may be captured at this edge.
  bool ready() const { return !busy_ || last_beat(); }
  /// The clock edge of all stages. Before start() of the same edge.
  void clock();
  /// A step has been captured at this edge.
  void start(const Step& step);

private:
  /// What goes from stage to stage with a beat.
  struct Beat {
    bool valid = false, write = false, last = false;
    int q = 0, pass = 0;
    std::uint32_t address = 0;
    Context context;
  };

  bool last_beat() const;
  int passes() const { return context_.command->wide ? 4 : 1; }
  int lanes_of(const Beat& beat) const;
  void clock_b0();
  void clock_b1();
  void clock_b2();
  void clock_b3();
  void shift_and_clamp(const ComputeCommand& command, std::uint8_t* bytes);
  void write(const Beat& beat, const std::uint8_t* bytes);
  void give_tokens(const Beat& beat);
  void next_beat(const ComputeCommand& command);

  const Geometry& g_;
  Tokens& tokens_;
  Scratchpads& scratchpads_;
  const PeArray& array_;
  CoreCounters& counters_;

  // B0: which beat
  bool busy_ = false, end_ = false;
  Context context_{};
  std::uint32_t f_ = 0;  ///< pixel of the tile
  int p_ = 0, pass_ = 0, q_ = 0;
  // B1
  Beat b1_;
  std::vector<std::int32_t> b1_acc_;
  std::int32_t b1_s_ = 0;
  const std::uint8_t* tab_ = nullptr;  ///< the memories' outputs
  const std::uint8_t* res_ = nullptr;
  // B2
  Beat b2_;
  std::vector<std::int32_t> b2_v_;
  std::vector<std::int8_t> b2_n_;
  std::vector<std::uint8_t> b2_hi_;
  // B3, with activation tables
  Beat b3_;
  std::vector<std::uint8_t> bytes_;  ///< what B2 made
};

// Called every cycle by the core, which therefore sees their bodies.
inline bool Ppu::last_beat() const {
  return p_ == g_.pixels - 1 && pass_ == passes() - 1 && q_ == g_.ppu_beats() - 1;
}

inline void Ppu::clock() {
  // Downstream first, so that each stage still sees the registers of the one before it.
  if (b3_.valid) clock_b3();
  b3_.valid = g_.activation_tables && b2_.valid;
  if (b2_.valid) clock_b2();
  b2_.valid = b1_.valid;
  if (b1_.valid) {
    b2_ = b1_;
    clock_b1();
  }
  b1_.valid = busy_;
  if (busy_) clock_b0();
}

}  // namespace shiftsim::sim
