#include "quantizer/app/passes.h"

#include <algorithm>

#include "quantizer/learn/distillation.h"
#include "quantizer/learn/held_out_divergence.h"
#include "quantizer/learn/reconstruct.h"

namespace shiftsim::quantizer {

std::vector<Pass> passes_of(const Recipe& recipe) {
  const Reconstruction& r = recipe.reconstruction;
  if (!learns(recipe)) return {{"search", false, {}, false, false, 0}};
  if (r.activations != ActivationLearning::kAfter) {
    const bool joint = r.activations == ActivationLearning::kJoint;
    return {{"reconstruction", true, {}, true, joint, r.iterations}};
  }
  return {{"weights", true, {true, true, false}, true, false, r.iterations},
          {"activations", true, {false, true, true}, false, true, r.activation_iterations}};
}

bool is_learned(const Plan& plan, const Unit& unit, const Pass& pass, const Recipe& recipe) {
  if (!pass.reconstruct || pass.iterations == 0) return false;
  int convolutions = 0;
  for (int i = unit.first; i <= unit.last; ++i)
    convolutions += plan.layers[static_cast<std::size_t>(i)].has_weights() ? 1 : 0;
  // A max pool behind the first layer is in its unit.
  if (unit.first == 0 && convolutions == 1 && !recipe.reconstruction.stem) return false;
  return convolutions > 0;
}

std::vector<double> parts_of_work(const Plan& plan, const std::vector<Unit>& units) {
  constexpr double kOfAValue = 16;  // multiplications that take as long as a value's way through memory
  std::vector<double> parts;
  double sum = 0;
  for (const Unit& unit : units) {
    double work = 0;
    for (int i = unit.first; i <= unit.last; ++i) {
      const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
      const auto made = static_cast<double>(layer.geometry.output.size());
      const std::size_t fan = layer.has_weights() ? layer.weight.size() / layer.bias.size() : 0;
      work += made * (static_cast<double>(fan) + kOfAValue);
    }
    parts.push_back(work);
    sum += work;
  }
  for (double& part : parts) part /= sum;
  return parts;
}

std::vector<StageMemory> stage_memory(const Plan& plan, const Recipe& recipe, const ImageRoles& roles, int threads) {
  const std::size_t images = roles.calibrating();
  std::vector<StageMemory> stages{{kSearch, Calibrator::memory(plan, recipe, images)}};
  StageMemory units{kUnits, 0};
  for (const Pass& pass : passes_of(recipe))
    for (const Unit& unit : partition(plan, recipe.reconstruction.units))
      if (is_learned(plan, unit, pass, recipe))
        units.bytes = std::max(units.bytes, reconstruction_memory(plan, unit, recipe, images, threads));
  stages.push_back(units);
  const std::size_t held_out = HeldOutDivergence::memory(plan, roles.held_out.size(), threads);
  if (judges_units(recipe)) stages.push_back({kJudging, held_out});
  if (recipe.network.iterations > 0)
    stages.push_back({kNetwork, held_out + distillation_memory(plan, recipe, roles.distillation.size(), threads)});
  if (recipe.network.exponent_moves) stages.push_back({kMoves, held_out});
  return stages;
}

}  // namespace shiftsim::quantizer
