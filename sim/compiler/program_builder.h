// Fills a program, command by command, whatever the dataflow.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/compiler/program.h"

namespace shiftsim::sim {

/// Words of weights or tables that are loaded as often as need be, all together or in parts.
struct WordsArea {
  std::size_t offset = 0;                   ///< first byte in Program::image
  std::uint64_t dram_address = 0;           ///< of the area that they are in
  std::optional<std::uint64_t> l2_address;  ///< of its copy in the second-level buffer; none: there is none
  int first = 0;                            ///< words of the area before them
  int word_bytes = 0;                       ///< as on the port
  int dram_bits = 0;                        ///< of a word, as packed in DRAM
  int count = 0;

  /// 'number' of these words, after 'skipped' of them.
  WordsArea part(int skipped, int number) const;
};

/// Keeps which half of each scratchpad is filled, and where in the program each DMA transfer stands.
class ProgramBuilder {
public:
  /// 'contents': whether the words of weights and tables are filled in; without them the program has timing alone.
  explicit ProgramBuilder(Program& program, bool contents = true) : program_(program), contents_(contents) {}

  /// Commands pushed from now on are this layer's; the name is for messages.
  void begin_layer(int index, const std::string& name) {
    layer_ = index;
    layer_name_ = name;
  }

  /// The other half of a scratchpad: the one to fill next.
  bool flip(Target target);
  /// The half of a scratchpad that was filled last.
  bool half(Target target) const { return halves_[static_cast<std::size_t>(target)]; }

  /// Gives 'count' words of weights or tables a place in DRAM. 'append' puts one after the other at the end of the
  /// image that it is given.
  WordsArea place_words(int count, int word_bytes, int dram_bits,
                        const std::function<void(std::vector<std::uint8_t>&)>& append);
  /// Words that have a copy come from it, but for the first time: then the copy is made.
  void load_words(Target target, const WordsArea& area, bool first_time, std::uint32_t carry_stride = 0);
  /// Loads an activation table into its other half. No tokens: every load of a layer follows one that waits until all
  /// layers but the last one before it are stored, so that nobody uses that half any more.
  void load_lut(const WordsArea& area);
  /// Half of the activation tables that was filled last.
  bool lut_half() const { return lut_half_; }
  /// A load of what 'read' gathers; 'command' has its count and walk, the rest is filled in here.
  void load(Target target, ReadProgram read, LoadCommand command);
  void compute(const ComputeCommand& command, TileOrigin origin);
  void store(StoreCommand command, WriteProgram write);

private:
  void push_load(ReadProgram read, LoadCommand command);
  /// Throws UserError where a value of the layer's does not fit its field of the command.
  template <typename Command>
  void push(QueueProgram<Command>& queue, const Command& command);

  Program& program_;
  bool contents_;
  int layer_ = 0;
  std::string layer_name_;
  std::array<bool, kTargets> halves_{};
  bool lut_half_ = false;
};

}  // namespace shiftsim::sim
