// How long units learn, and how large their steps are: one rule for all networks and widths.
#pragma once

#include <optional>
#include <string>

namespace shiftsim::quantizer {

struct Recipe;

/// How much time learning gets.
enum class Effort { kQuick, kNormal, kThorough };

/// In place of a number that the effort decides: 'auto' in a recipe.
inline constexpr int kAutomatic = -1;

/// "quick", "normal" or "thorough".
Effort parse_effort(const std::string& word);

/// Iterations of each unit: 200, 2,000 or 6,000.
int unit_iterations(Effort effort);

/// Adam's rates for so many iterations (1 or more). Rates fall in proportion to the iterations, so that variables get
/// equally far; below 400 and 200 iterations they stay at 0.05 and 0.01, as larger steps overshoot.
double rounding_rate(int iterations);
double activation_rate(int iterations);

/// Whether the recipe leaves its iterations to the effort.
bool leaves_iterations(const Recipe& recipe);

/// Puts numbers in place of kAutomatic. 'iterations': of a unit, in place of those of the recipe's effort.
void settle_effort(std::optional<int> iterations, Recipe& recipe);

}  // namespace shiftsim::quantizer
