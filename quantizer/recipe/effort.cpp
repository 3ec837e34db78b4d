#include "quantizer/recipe/effort.h"

#include <algorithm>

#include "common/error.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

Effort parse_effort(const std::string& word) {
  if (word == "quick") return Effort::kQuick;
  if (word == "normal") return Effort::kNormal;
  if (word == "thorough") return Effort::kThorough;
  fail("effort: found '{}', expected quick, normal or thorough", word);
}

int unit_iterations(Effort effort) {
  switch (effort) {
    case Effort::kQuick:
      return 200;
    case Effort::kNormal:
      return 2000;
    case Effort::kThorough:
      return 6000;
  }
  return 0;
}

double rounding_rate(int iterations) {
  return std::min(0.05, 20.0 / iterations);
}

double activation_rate(int iterations) {
  return std::min(0.01, 2.0 / iterations);
}

bool leaves_iterations(const Recipe& recipe) {
  return recipe.reconstruction.iterations == kAutomatic;
}

void settle_effort(std::optional<int> iterations, Recipe& recipe) {
  Reconstruction& r = recipe.reconstruction;
  if (leaves_iterations(recipe)) r.iterations = iterations.value_or(unit_iterations(recipe.effort));
  if (r.rounding_rate == kAutomatic) r.rounding_rate = rounding_rate(r.iterations);
  if (r.activation_rate == kAutomatic) r.activation_rate = activation_rate(r.iterations);
}

}  // namespace shiftsim::quantizer
