// Lines of comma-separated values.
#pragma once

#include <string>

namespace shiftsim {

/// A field of a CSV line, quoted where it must be.
inline std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

}  // namespace shiftsim
