#include "quantizer/recipe/widths.h"

#include <algorithm>
#include <cctype>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

/// The width behind 'letter' at 'at', which moves on behind it; none where there is none.
std::optional<int> read_width(const std::string& text, char letter, std::size_t& at) {
  if (at + 1 >= text.size() || text[at] != letter) return std::nullopt;
  const char digit = text[at + 1];
  if (digit != '2' && digit != '4' && digit != '8') return std::nullopt;
  at += 2;
  return digit - '0';
}

}  // namespace

std::optional<WidthPattern> parse_width_pattern(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  WidthPattern pattern;
  std::size_t at = 0;
  pattern.weights = read_width(lower, 'w', at);
  pattern.activations = read_width(lower, 'a', at);
  if (at == 0 || at != lower.size()) return std::nullopt;
  return pattern;
}

Widths parse_widths(const std::string& text, const std::string& where) {
  const auto pattern = parse_width_pattern(text);
  if (!pattern || !pattern->weights || !pattern->activations)
    fail("{}: found '{}', expected widths of weights and activations, 2, 4 or 8 bits each, as in w2a4", where, text);
  return {*pattern->weights, *pattern->activations};
}

std::string to_string(const Widths& widths) {
  return fmt::format("w{}a{}", widths.weights, widths.activations);
}

}  // namespace shiftsim::quantizer
