#include "quantizer/evaluate/figure_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace shiftsim::quantizer {

std::string decibel_text(double value) {
  if (std::isinf(value)) return "exact";
  return fmt::format("{:.1f}", std::abs(value) < 0.05 ? 0.0 : value);
}

nlohmann::ordered_json decibel_json(double value) {
  return std::isinf(value) ? nlohmann::ordered_json("exact") : nlohmann::ordered_json(value);
}

double percent(std::size_t part, std::size_t whole) {
  return whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace shiftsim::quantizer
