#include "common/text_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/error.h"

namespace shiftsim {
namespace {

/// Where in the text its character 'count' begins.
std::size_t byte_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size()) {
    const bool starts = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts && count-- == 0) break;
    ++at;
  }
  return at;
}

std::string aligned(const std::string& text, std::size_t width, TextAlign align) {
  const std::size_t own = text_width(text);
  const std::size_t spaces = width > own ? width - own : 0;
  std::size_t before = 0;
  if (align == TextAlign::kRight) before = spaces;
  if (align == TextAlign::kCentre) before = spaces / 2;
  return std::string(before, ' ') + text + std::string(spaces - before, ' ');
}

void add_line(std::string& text, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + '\n';
}

}  // namespace

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string clipped(std::string_view text, std::size_t width, std::size_t begin) {
  const std::size_t own = text_width(text);
  if (own <= width) return std::string(text);
  const std::string_view front = text.substr(0, byte_of(text, begin));
  const std::string_view back = text.substr(byte_of(text, own - (width - 1 - begin)));
  return fmt::format("{}~{}", front, back);
}

std::vector<std::string> clipped_names(const std::vector<std::string>& names, std::size_t width) {
  std::vector<std::string> best;
  std::size_t most = 0;
  for (std::size_t begin = 0; begin < width; ++begin) {
    std::vector<std::string> cut;
    cut.reserve(names.size());
    for (const std::string& name : names) cut.push_back(clipped(name, width, begin));
    const std::size_t different = std::set<std::string>(cut.begin(), cut.end()).size();
    if (different > most) {
      most = different;
      best = std::move(cut);
    }
  }
  return best;
}

TextTable::TextTable(std::vector<Column> columns, std::vector<Heading> headings)
    : columns_(std::move(columns)), headings_(std::move(headings)) {
  std::vector<std::string> titles;
  titles.reserve(columns_.size());
  for (const Column& column : columns_) titles.push_back(column.title);
  add_row(std::move(titles));
  std::size_t covered = 0;
  for (const Heading& heading : headings_) covered += heading.columns;
  SHIFTSIM_CHECK(covered <= columns_.size(), "headings of {} columns over {}", covered, columns_.size());
}

void TextTable::add_row(std::vector<std::string> cells) {
  SHIFTSIM_CHECK(cells.size() == columns_.size(), "{} cells in a row of {} columns", cells.size(), columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_[i].width;
    for (const std::vector<std::string>& row : rows_) width = std::max(width, text_width(row[i]));
    result.push_back(width);
  }
  return result;
}

std::string TextTable::text() const {
  const std::vector<std::size_t> widths = this->widths();
  const auto gap = [&](std::size_t column) { return column == 0 ? 0 : columns_[column].gap; };
  std::string text;
  if (!headings_.empty()) {
    std::string line;
    std::size_t column = 0;
    for (const Heading& heading : headings_) {
      line += std::string(gap(column), ' ');
      std::size_t width = 0;
      for (std::size_t i = 0; i < heading.columns; ++i) {
        width += widths[column] + (i > 0 ? gap(column) : 0);
        ++column;
      }
      line += aligned(heading.text, width, heading.align);
    }
    add_line(text, line);
  }
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += std::string(gap(i), ' ') + aligned(row[i], widths[i], columns_[i].align);
    add_line(text, line);
  }
  return text;
}

}  // namespace shiftsim
