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
  using Pieces = std::array<DramPiece, kBlocks>;

  /// 'count': words of the store. All references must outlive this object.
  StoreWords(const WriteProgram& write, std::int64_t count, const qnet::Network& network, const Program& program);

  int layer() const { return write_->layer; }
  bool done() const { return left_ == 0; }
  void advance();
  /// Puts the next word's values into its tensor.
  void put(const std::uint8_t* word, TensorMemory& memory) const;
  /// What the next word touches, one piece for each block; 0 bytes where it touches only one block.
  const Pieces& pieces() const { return pieces_; }

private:
  /// Words of a pixel: 32-bit outputs come as four, byte by byte.
  int words_a_pixel() const { return write_->wide ? 4 : 1; }
  void find_pieces();

  const WriteProgram* write_;
  const qnet::Network* network_;
  const Program* program_;
  std::int64_t left_ = 0;
  int image_ = 0, y_ = 0, x_ = 0, byte_ = 0;  ///< of the next word
  Pieces pieces_{};
  std::array<std::uint64_t, kBlocks> pitch_{};  ///< from one pixel of a row to the next
};

}  // namespace shiftsim::sim
