// What a program says at the end of its work: a title and a text a line, the texts under one another.
#pragma once

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace shiftsim {

/// "title        text" and a line end. Without a title, the text goes on with that of the line above.
inline std::string titled_line(std::string_view title, std::string_view text) {
  return fmt::format("{:<12} {}\n", title, text);
}

}  // namespace shiftsim
