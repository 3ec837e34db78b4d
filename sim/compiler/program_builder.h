// Fills a program, command by command, whatever the dataflow.
#pragma once

#include <array>

#include "sim/compiler/program.h"

namespace shiftsim::sim {

/// Keeps which half of each scratchpad is filled, and where in the program each DMA transfer stands.
class ProgramBuilder {
public:
  explicit ProgramBuilder(Program& program) : program_(program) {}

  /// Commands pushed from now on are this layer's.
  void begin_layer(int index) { layer_ = index; }

  /// The other half of a scratchpad: the one to fill next.
  bool flip(Target target);
  /// The half of a scratchpad that was filled last.
  bool half(Target target) const { return halves_[static_cast<std::size_t>(target)]; }

  /// The image in DRAM, to which weight and table words are appended.
  std::vector<std::uint8_t>& image() { return program_.image; }
  /// A load of 'count' words that stand in the image from 'offset' on.
  void load_words(Target target, std::size_t offset, std::size_t count, int word_bytes, int dram_bits,
                  std::size_t carry_stride = 0);
  /// A load of what 'read' gathers; 'command' has its count and walk, the rest is filled in here.
  void load(Target target, ReadProgram read, LoadCommand command);
  void compute(const ComputeCommand& command, TileOrigin origin);
  void store(StoreCommand command, WriteProgram write);

private:
  Program& program_;
  int layer_ = 0;
  std::array<bool, kTargets> halves_{};
};

}  // namespace shiftsim::sim
