// Lists as text. Not fmt::join: GCC 12 sees an overflow in fmt 9's parser of its format that is not there (-Werror).
#pragma once

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace shiftsim {

/// The elements of a range, formatted by fmt's defaults, with 'separator' between them.
template <typename Range>
std::string join(const Range& range, std::string_view separator = ", ") {
  std::string text;
  bool first = true;
  for (const auto& element : range) {
    if (!first) text += separator;
    first = false;
    text += fmt::format("{}", element);
  }
  return text;
}

/// Whether a text is UTF-8, as JSON and YAML are.
inline bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    if (length > 2) {
      // Neither longer than need be, nor a surrogate, nor beyond the last code point.
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return false;
      if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return false;
    }
    i += length;
  }
  return true;
}

/// The text with a '?' for every byte that is no ASCII, for messages about texts that are no UTF-8.
inline std::string ascii_only(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return result;
}

}  // namespace shiftsim
