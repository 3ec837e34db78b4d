// Lists as text. Not fmt::join: GCC 12 sees an overflow in fmt 9's parser of its format that is not there (-Werror).
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

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

}  // namespace shiftsim
