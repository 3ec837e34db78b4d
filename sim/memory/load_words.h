// The words of a load, one after the other, as the DMA makes them from DRAM's contents: padding, im2row packing of a
// stem's windows, repeated channels of a depthwise multiplier.
#pragma once

#include <cstdint>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/memory/tensor_memory.h"

namespace shiftsim::sim {

class LoadWords {
public:
  /// 'count': words of the load. All references must outlive this object.
  LoadWords(const ReadProgram& read, std::int64_t count, const qnet::Network& network, const Program& program);

  bool done() const { return next_ == count_; }
  void advance();
  /// The next word's bytes as on the port.
  void make(const TensorMemory& memory, std::uint8_t* word) const;
  /// Bytes out of 'total' that must have been fetched before the next word can be made: its share of the load.
  std::int64_t bytes_needed(std::int64_t total) const;

private:
  /// Of the tensor that is loaded, which may be a view.
  std::uint8_t value(const TensorMemory& memory, int y, int x, int channel) const;
  void make_tile_word(const TensorMemory& memory, std::uint8_t* word) const;
  void make_window_word(const TensorMemory& memory, std::uint8_t* word) const;
  /// Words or rows of an image that are needed for the next word, and all there are.
  struct Share {
    std::int64_t part, whole;
  };
  Share share() const;

  const ReadProgram* read_;
  const qnet::Network* network_;
  const Program* program_;
  std::int64_t count_ = 0, next_ = 0;
  int image_ = 0, row_ = 0, col_ = 0, word_ = 0;  ///< of the next word; image: of the load
};

}  // namespace shiftsim::sim
