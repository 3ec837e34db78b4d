// How much of a load must have been fetched before each of its words can be made: LoadWords::bytes_needed() without
// the words, and in runs of words that need the same. Written apart from it, so that each checks the other
// (transaction_test).
#pragma once

#include <cstdint>

#include "qnet/network.h"
#include "sim/compiler/program.h"

namespace shiftsim::sim {

class WordNeeds {
public:
  WordNeeds() = default;
  /// 'count': words of the load; 'total': bytes of its bursts; 'burst_bytes': of one burst.
  WordNeeds(const ReadProgram& read, std::int64_t count, std::int64_t total, const qnet::Network& network,
            std::int64_t burst_bytes);

  /// Words that have not been made yet.
  std::int64_t left() const { return left_; }
  /// Bytes that must have been fetched before the next word can be made. Of a load with words left.
  std::int64_t need() const { return need_; }
  /// So many words, the next one among them, need the same. At least 1.
  std::int64_t same() const { return same_; }
  /// 'words' of them are made, at most same().
  void advance(std::int64_t words);

private:
  /// Words in a row of which each needs one part more than the one before ('rises'), or as much.
  struct Span {
    std::int64_t words = 0, part = 0;  ///< part: of the next word
    bool rises = false;
  };

  void next_span();
  Span image_row_span();
  Span window_row_span() const;
  Span repeated_row_span() const;
  void measure();

  const ReadProgram* read_ = nullptr;
  std::int64_t left_ = 0, total_ = 0, burst_ = 1;
  std::int64_t whole_ = 0, image_whole_ = 0;    ///< parts of the load, and of each of its images
  int height_ = 0, width_ = 0;                  ///< of the tensor
  int first_row_ = 0, stride_ = 1, reach_ = 1;  ///< im2row: rows of the tensor that a row of windows needs
  int row_ = 0, image_ = 0;                     ///< of the span
  enum class Piece : std::uint8_t { kLeft, kInside, kRight } piece_ = Piece::kLeft;  ///< of a tile's row
  Span span_;
  std::int64_t need_ = 0, same_ = 0;
};

}  // namespace shiftsim::sim
