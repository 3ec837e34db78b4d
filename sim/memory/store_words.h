// The words of a store, one after the other: which values of the tensor they are, and where they stand in DRAM.
#pragma once

#include <array>
#include <cstdint>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/memory/tensor_memory.h"

namespace shiftsim::sim {

/// Bytes [address, address + bytes) of DRAM.
struct DramPiece {
  std::uint64_t address = 0;
  std::int64_t bytes = 0;
};

class StoreWords {
public:
  /// At most N channels are stored together: they lie in at most two blocks of N.
  static constexpr int kBlocks = 2;

  /// 'count': words of the store. All references must outlive this object.
  StoreWords(const WriteProgram& write, std::int64_t count, const qnet::Network& network, const Program& program)
      : write_(&write), network_(&network), program_(&program), count_(count) {}

  int layer() const { return write_->layer; }
  bool done() const { return next_ == count_; }
  void advance() { ++next_; }
  /// Puts the next word's values into its tensor.
  void put(const std::uint8_t* word, TensorMemory& memory) const;
  /// What the next word touches, one piece for each block; 0 bytes where it touches only one block.
  std::array<DramPiece, kBlocks> pieces() const;

private:
  /// Words of a pixel: 32-bit outputs come as four, byte by byte.
  int words_a_pixel() const { return write_->wide ? 4 : 1; }
  /// Where the next word stands.
  struct Place {
    int y, x, byte;
  };
  Place place() const;

  const WriteProgram* write_;
  const qnet::Network* network_;
  const Program* program_;
  std::int64_t count_ = 0, next_ = 0;
};

}  // namespace shiftsim::sim
