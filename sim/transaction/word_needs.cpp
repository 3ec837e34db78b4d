#include "sim/transaction/word_needs.h"

#include <algorithm>

namespace shiftsim::sim {
namespace {

/// Rows or columns of [first, first + count) that lie in [0, size).
std::int64_t inside(int first, int count, int size) {
  return std::max(0, std::min(first + count, size) - std::max(first, 0));
}

}  // namespace

WordNeeds::WordNeeds(const ReadProgram& read, std::int64_t count, std::int64_t total, const qnet::Network& network,
                     std::int64_t burst_bytes)
    : read_(&read), left_(count), total_(total), burst_(burst_bytes) {
  if (read.kind == ReadProgram::Kind::kWords) {
    whole_ = count;
    span_ = {count, 1, true};
    measure();
    return;
  }
  const qnet::Tensor& tensor = network.tensors[static_cast<std::size_t>(read.tensor)];
  height_ = tensor.height;
  width_ = tensor.width;
  if (read.kind == ReadProgram::Kind::kIm2row) {
    const qnet::Layer& layer = network.layers[static_cast<std::size_t>(read.layer)];
    stride_ = layer.stride_h;
    reach_ = (layer.kernel_h - 1) * layer.dilation_h + 1;
    first_row_ = read.y0 * layer.stride_h - layer.pad_top;
    image_whole_ = inside(first_row_, (read.rows - 1) * stride_ + reach_, height_);
  } else if (read.row_group > 0) {
    image_whole_ = inside(read.y0, read.rows, height_);
  } else {
    image_whole_ = inside(read.y0, read.rows, height_) * inside(read.x0, read.cols, width_) * read.words;
  }
  whole_ = read.images * image_whole_;
  next_span();
  measure();
}

void WordNeeds::advance(std::int64_t words) {
  left_ -= words;
  span_.words -= words;
  same_ -= words;
  if (span_.rises) span_.part += words;
  if (left_ == 0 || same_ > 0) return;
  if (span_.words == 0) next_span();
  measure();
}

void WordNeeds::next_span() {
  do {
    if (row_ == read_->rows) {
      row_ = 0;
      ++image_;
    }
    const bool by_rows = read_->kind == ReadProgram::Kind::kIm2row || read_->row_group > 0;
    if (!by_rows)
      span_ = image_row_span();
    else
      span_ = read_->row_group > 0 ? repeated_row_span() : window_row_span();
    if (by_rows) ++row_;
    span_.part += image_ * image_whole_;
  } while (span_.words == 0);
}

/// The DMA keeps the rows of the window: a pixel needs all rows down to its window's last.
WordNeeds::Span WordNeeds::window_row_span() const {
  return {std::int64_t{read_->cols} * read_->words, inside(first_row_, row_ * stride_ + reach_, height_), false};
}

/// All words of a row need the stored rows down to the one that it repeats. A row of padding in front needs nothing.
WordNeeds::Span WordNeeds::repeated_row_span() const {
  int needed = 0;
  for (int row = 0; row < read_->rows; ++row) {
    const int y = read_->y0 + row;
    if (y < 0 || y >= height_) continue;
    if (read_->y0 + row_ >= 0 && y / read_->row_group <= (read_->y0 + row_) / read_->row_group) ++needed;
  }
  return {std::int64_t{read_->cols} * read_->words, needed, false};
}

/// Words of padding need nothing more than those before them.
WordNeeds::Span WordNeeds::image_row_span() {
  const ReadProgram& p = *read_;
  const std::int64_t inside_words = inside(p.x0, p.cols, width_) * p.words;
  const std::int64_t before = inside(p.y0, row_, height_) * inside_words;
  const int y = p.y0 + row_;
  if (y < 0 || y >= height_ || inside_words == 0) {
    ++row_;
    return {std::int64_t{p.cols} * p.words, before, false};
  }
  const std::int64_t left = std::int64_t{std::max(0, -p.x0)} * p.words;
  switch (piece_) {
    case Piece::kLeft:
      piece_ = Piece::kInside;
      return {left, before, false};
    case Piece::kInside:
      piece_ = Piece::kRight;
      return {inside_words, before + 1, true};
    case Piece::kRight:
      break;
  }
  piece_ = Piece::kLeft;
  ++row_;
  return {std::int64_t{p.cols} * p.words - left - inside_words, before + inside_words, false};
}

void WordNeeds::measure() {
  if (left_ == 1) {
    need_ = total_;
    same_ = 1;
    return;
  }
  if (whole_ == 0) {
    need_ = 0;
  } else {
    const std::int64_t bytes = ceil_div(total_ * span_.part, whole_);
    need_ = std::min(total_, ceil_div(bytes, burst_) * burst_);
  }
  same_ = span_.words;
  if (need_ == total_) return;
  if (span_.rises) same_ = std::min(same_, need_ * whole_ / total_ - span_.part + 1);
  // The last word needs everything.
  same_ = std::min(same_, left_ - 1);
}

}  // namespace shiftsim::sim
