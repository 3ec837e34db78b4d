// What the image's pixels mean to a plan.
#pragma once

#include <string>

#include "quantizer/graph/graph.h"
#include "quantizer/plan/plan.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Sets the plan's image tensor, its normalization and the padding values: (pixel / scale - mean) / std, then the
/// graph's own normalization, written as one (pixel / scale - mean') / std'.
void plan_input(const Graph& graph, const Recipe& recipe, const std::string& where, Plan& plan);

/// Normalizes pixels inside the weights of a layer that reads them.
void fold_normalization(const Plan& plan, PlannedLayer& layer);

}  // namespace shiftsim::quantizer
