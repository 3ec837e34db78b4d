// The widths that a network is quantized to: W2A4 is weights of 2 bits and activations of 4.
#pragma once

#include <optional>
#include <string>

namespace shiftsim::quantizer {

/// Bits of weights and activations, both 2, 4 or 8.
struct Widths {
  int weights = 4, activations = 4;
};

/// "w2a4", in letters of either case. Throws UserError, which begins with 'where'.
Widths parse_widths(const std::string& text, const std::string& where);

/// "w2a4".
std::string to_string(const Widths& widths);

/// Which widths something holds for: "w2", "a4" or "w2a4".
struct WidthPattern {
  std::optional<int> weights, activations;  ///< none: any

  bool matches(const Widths& widths) const {
    return weights.value_or(widths.weights) == widths.weights &&
           activations.value_or(widths.activations) == widths.activations;
  }
};

/// None where the text is no such pattern.
std::optional<WidthPattern> parse_width_pattern(const std::string& text);

}  // namespace shiftsim::quantizer
