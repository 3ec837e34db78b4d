// Iterations that fit into the minutes that a user has.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "quantizer/plan/plan.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// What learning costs on this machine, in seconds.
struct LearningCost {
  double iteration = 0;      ///< an iteration of every unit
  double network_stage = 0;  ///< all of it
};

/// Measures a few iterations of every unit and one of the network stage.
LearningCost learning_cost(const Plan& plan, const Recipe& recipe, int threads);

/// Of each unit, so that these and the network stage take four fifths of the minutes; the rest is for the search and
/// all else. Throws UserError where there is time for fewer than 20, and says how many minutes would be enough.
int iterations_within(double minutes, const LearningCost& cost);

/// The same, decided once: 'file' keeps the number beside the checkpoint for the run that goes on, and 'key' is all
/// that it was decided for. No file: nothing is kept.
int iterations_within(double minutes, const Plan& plan, const Recipe& recipe, int threads,
                      const std::optional<std::filesystem::path>& file, const std::string& key);

}  // namespace shiftsim::quantizer
