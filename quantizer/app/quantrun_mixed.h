// quantrun's two commands for mixed precision: --sensitivity measures, --assign-bits searches.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/images.h"
#include "quantizer/plan/plan.h"
#include "quantizer/recipe/recipe.h"

namespace CLI {
class App;
}

namespace shiftsim::quantizer {

struct MixedOptions {
  std::filesystem::path sensitivity;  ///< written, or read where bits are assigned; empty: neither command
  std::filesystem::path assign, costs;
  std::string budget;
  int images = 128;  ///< for the divergence

  bool assigns() const { return !assign.empty(); }
  bool measures() const { return !sensitivity.empty() && !assigns(); }
};

void add_mixed_options(CLI::App& app, MixedOptions& options);

struct SensitivityInputs {
  std::filesystem::path model;
  std::string recipe;  ///< file name
  int threads = 1;
  bool print = true;  ///< the table, to stdout
};

/// Measures and writes the sensitivity file.
void run_sensitivity(Plan plan, const Recipe& recipe, const ImageSet& images, const std::vector<std::size_t>& chosen,
                     const SensitivityInputs& inputs, const MixedOptions& options);

/// Searches and writes the recipe and, where 'report' is one, the assignment as JSON.
void run_assignment(const RecipeSources& recipe, const std::optional<std::filesystem::path>& report, bool print,
                    const MixedOptions& options);

}  // namespace shiftsim::quantizer
