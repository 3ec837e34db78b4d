// The runs over all layers that a recipe asks for, and the memory that its stages take.
#pragma once

#include <vector>

#include "quantizer/calibrate/calibration.h"
#include "quantizer/float/memory_budget.h"
#include "quantizer/plan/units.h"
#include "quantizer/recipe/image_roles.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// The stages' names, in the timeline and in messages.
inline constexpr const char *kAlignment = "alignment", *kSearch = "search", *kUnits = "units", *kJudging = "judging",
                            *kNetwork = "network", *kMoves = "exponent moves", *kStatistics = "statistics";

/// One run over all layers, from the first to the last.
struct Pass {
  const char* name = "search";
  bool reconstruct = false;
  LayerTask start;       ///< what the search does to a layer before its unit is reconstructed
  bool weights = false;  ///< what reconstruction learns
  bool activations = false;
  int iterations = 0;
};

std::vector<Pass> passes_of(const Recipe& recipe);

/// Whether the pass learns this unit. The first layer has 8 bits and little to gain; a unit of pools has nothing to
/// learn.
bool is_learned(const Plan& plan, const Unit& unit, const Pass& pass, const Recipe& recipe);

/// The part of a pass's time that each unit takes, roughly: by multiplications and by values made. The sum is 1.
std::vector<double> parts_of_work(const Plan& plan, const std::vector<Unit>& units);

/// What each stage that will run has to have in memory at a time, activations of all images left out.
std::vector<StageMemory> stage_memory(const Plan& plan, const Recipe& recipe, const ImageRoles& roles, int threads);

}  // namespace shiftsim::quantizer
