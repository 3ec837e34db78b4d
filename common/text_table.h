// Tables of text, as both programs print them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shiftsim {

enum class TextAlign { kLeft, kRight, kCentre };

/// A table of text: headings over several columns, titles, rows. Every column is as wide as its widest cell, and at
/// least as wide as declared. Lines have no spaces at their ends.
class TextTable {
public:
  struct Column {
    std::string title;
    std::size_t width = 0;  ///< at least so many characters
    TextAlign align = TextAlign::kRight;
    std::size_t gap = 1;  ///< spaces in front, but for the first column
  };
  /// Stands over the titles of so many columns, and counts their inner gaps as its own.
  struct Heading {
    std::string text;
    std::size_t columns = 1;
    TextAlign align = TextAlign::kRight;
  };

  /// 'headings' cover the columns from the left; none: no line of headings.
  explicit TextTable(std::vector<Column> columns, std::vector<Heading> headings = {});

  /// One cell a column.
  void add_row(std::vector<std::string> cells);
  std::string text() const;

private:
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<Heading> headings_;
  std::vector<std::vector<std::string>> rows_;  ///< the first: the titles
};

/// Code points of a UTF-8 text: its width in a terminal, but for wide and combining characters.
std::size_t text_width(std::string_view text);

/// The text without what stands behind its first 'begin' characters, where it is wider than 'width' (above 'begin');
/// '~' stands for what is cut.
std::string clipped(std::string_view text, std::size_t width, std::size_t begin);

/// The names, cut to 'width' characters, all at one place: where most of them stay apart. The number of a block stands
/// in front, the layer within the block at the end.
std::vector<std::string> clipped_names(const std::vector<std::string>& names, std::size_t width);

}  // namespace shiftsim
