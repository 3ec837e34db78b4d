// Widths for a network's layers within a budget: sensitivities and costs, each read from a file, and a recipe written.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "quantizer/evaluate/sensitivity_file.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// What a layer costs at one width, by the name of the measure ("cycles", "energy_uj", "weight_kib", or whatever the
/// file has: the quantizer does not know what they mean).
struct WidthCosts {
  int bits = 0;  ///< 0: a layer without weights
  std::map<std::string, double> costs;
};

struct LayerCosts {
  std::string name;
  std::vector<WidthCosts> widths;
};

/// What a cost file says: every layer of the network. docs/mixed-precision.md documents its keys.
struct CostFile {
  std::string network, source;        ///< source: who measured, for people
  std::vector<std::string> measures;  ///< that every width of every layer has
  std::vector<LayerCosts> layers;
};

/// Throws UserError with file and line: malformed, a layer or width twice, another set of measures than the first's, a
/// negative cost.
CostFile read_costs(const std::filesystem::path& file);

struct Budget {
  std::string measure;
  double amount = 0;
};

/// "cycles=200000". Throws UserError naming --budget: no '=', no positive number.
Budget parse_budget(const std::string& text);

struct AssignedLayer {
  std::string name;
  int bits = 0;         ///< of the weights; 0: none
  bool varies = false;  ///< the search chose them
  double cost = 0, divergence = 0;
};

struct BitAssignment {
  Budget budget;
  double cost = 0, divergence = 0;    ///< totals; the divergence of the layers that vary
  std::vector<AssignedLayer> layers;  ///< in the order of the costs
  /// Totals with all varying layers at one width, by its bits; only widths that all of them have.
  std::map<int, AssignedLayer> uniform;
};

/// The best assignment (least_divergence() of mixed_precision.h). Paths are for messages. Throws UserError: a layer
/// that only one of the files has (with the nearest name), a layer without a width in common, files of different
/// networks, a measure that the costs do not have, a budget that no assignment keeps (with the least achievable cost).
BitAssignment assign_bits(const SensitivityFile& sensitivity, const std::filesystem::path& sensitivity_path,
                          const CostFile& costs, const std::filesystem::path& cost_path, const Budget& budget);

std::string assignment_table(const BitAssignment& assignment);
std::string assignment_json(const BitAssignment& assignment);

/// A recipe, to be written to 'path', that extends 'base' by the widths of the layers that vary. What 'base' itself
/// says about a layer beside its weight bits is kept.
std::string assignment_recipe(const BitAssignment& assignment, const RecipeSources& base,
                              const std::filesystem::path& path);

}  // namespace shiftsim::quantizer
