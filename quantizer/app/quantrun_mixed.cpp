#include "quantizer/app/quantrun_mixed.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/hash.h"
#include "quantizer/evaluate/sensitivity_file.h"
#include "quantizer/mixed/bit_assignment.h"

namespace shiftsim::quantizer {

void add_mixed_options(CLI::App& app, MixedOptions& options) {
  const char* group = "Mixed precision (docs/mixed-precision.md)";
  auto* sensitivity = app.add_option("--sensitivity", options.sensitivity,
                                     "Write how much each layer at W2, W4 and W8 changes the network's output to this "
                                     "JSON file, and end; with --assign-bits: read it")
                          ->group(group);
  app.add_option("--sensitivity-images", options.images, "Calibration images to measure the KL divergence on")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group)
      ->needs(sensitivity);
  auto* assign = app.add_option("--assign-bits", options.assign,
                                "Write a recipe (YAML) that extends --recipe by each layer's weight bits, the best "
                                "within --budget, and end")
                     ->group(group);
  auto* costs = app.add_option("--costs", options.costs, "JSON file of what each layer costs at each width")
                    ->group(group)
                    ->needs(assign);
  auto* budget = app.add_option("--budget", options.budget, "MEASURE=AMOUNT: a cost of that file, and its limit")
                     ->group(group)
                     ->needs(assign);
  assign->needs(sensitivity)->needs(costs)->needs(budget);
}

void run_sensitivity(Plan plan, const Recipe& recipe, const ImageSet& images, const std::vector<std::size_t>& chosen,
                     const SensitivityInputs& inputs, const MixedOptions& options) {
  SensitivityFile file;
  file.network = plan.name;
  file.model = inputs.model.filename().string();
  file.model_hash = sha256_file(inputs.model);
  file.recipe = inputs.recipe;
  file.recipe_hash = sha256(to_yaml(recipe));
  file.search_images = chosen.size();
  file.divergence_images = std::min(static_cast<std::size_t>(options.images), chosen.size());
  SensitivityOptions how;
  how.threads = inputs.threads;
  how.images = file.divergence_images;
  file.layers = measure_sensitivity(std::move(plan), recipe, images, chosen, how);
  write_file_atomically(options.sensitivity, to_json(file));
  if (inputs.print) fmt::print("{}wrote {}\n", sensitivity_table(file), options.sensitivity.string());
}

void run_assignment(const RecipeSources& recipe, const std::optional<std::filesystem::path>& report, bool print,
                    const MixedOptions& options) {
  if (!recipe.file) fail("--recipe: missing: the recipe that --assign-bits extends");
  if (!recipe.overrides.empty() || recipe.input || recipe.seed)
    fail("--assign-bits: --set, --input and --seed have no place in a recipe that extends another: write them into {}",
         recipe.file->string());
  const Budget budget = parse_budget(options.budget);
  const SensitivityFile sensitivity = read_sensitivity(options.sensitivity);
  const CostFile costs = read_costs(options.costs);
  const BitAssignment assignment = assign_bits(sensitivity, options.sensitivity, costs, options.costs, budget);
  write_file_atomically(options.assign, assignment_recipe(assignment, recipe, options.assign));
  if (report) write_file_atomically(*report, assignment_json(assignment));
  if (print) fmt::print("{}wrote {}\n", assignment_table(assignment), options.assign.string());
}

}  // namespace shiftsim::quantizer
