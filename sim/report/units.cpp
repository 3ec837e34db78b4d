#include "sim/report/units.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace shiftsim::sim {

std::string short_number(double value) {
  const std::array<const char*, 5> suffixes{"", "k", "M", "G", "T"};
  std::size_t suffix = 0;
  if (value < 9999.5) return fmt::format("{:.0f}", value);
  while (value >= 999.5 && suffix + 1 < suffixes.size()) {
    value /= 1000;
    ++suffix;
  }
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, suffixes[suffix]);
}

std::string with_commas(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool group = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    if (group) text += ',';
    text += digits[i];
  }
  return text;
}

/// pJ with a unit that keeps the number short.
std::string energy_text(double pj) {
  const std::array<const char*, 5> units{"pJ", "nJ", "uJ", "mJ", "J"};
  std::size_t unit = 0;
  while (std::abs(pj) >= 999.5 && unit + 1 < units.size()) {
    pj /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", pj, pj < 9.995 ? 2 : pj < 99.95 ? 1 : 0, units[unit]);
}

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.1f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.2f} s", seconds);
}

std::string images_text(std::int64_t count) {
  return fmt::format("{} image{}", with_commas(count), count == 1 ? "" : "s");
}

}  // namespace shiftsim::sim
