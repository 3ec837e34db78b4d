// The program quantrun: float ONNX network in, integer network (.qnet) out.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "quantizer/app/quantrun_exchange.h"
#include "quantizer/app/quantrun_mixed.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// The command line, read.
struct QuantrunOptions {
  std::filesystem::path model, calibration;
  std::optional<std::filesystem::path> output, report;  ///< an output but with free scales
  std::optional<std::filesystem::path> calibration_labels, test, test_labels;
  std::string output_tensor;             ///< which of the model's values is meant; empty: the only output
  std::optional<ImageSize> input_shape;  ///< where the model leaves height or width open
  RecipeSources recipe;
  std::optional<double> budget_minutes;  ///< decides the iterations in place of the effort
  MixedOptions mixed;
  ExchangeOptions exchange;
  int threads = 0;    ///< 0: one per processor
  int verbosity = 1;  ///< 0 quiet, 1 progress and the table, 2 debugging
  bool print_recipe = false, explain_recipe = false, list_recipes = false;
  bool measure_float = false;  ///< only the float network's accuracy, into an output that is there
  bool diagnose = false;       ///< print the diagnosis
};

/// Parses the arguments. Gives an exit status instead where there is nothing left to do: 0 after --help and --version,
/// 2 after a mistake (its message is on stderr).
std::optional<int> parse_quantrun(int argc, const char* const* argv, QuantrunOptions& options);

/// Imports, calibrates, quantizes, writes the .qnet folder and, with a test set, evaluates both networks. Throws
/// UserError.
void run_quantrun(const QuantrunOptions& options);

/// All of main(): parses, runs, and turns UserError into status 2 and other errors into 1.
int quantrun_main(int argc, const char* const* argv);

}  // namespace shiftsim::quantizer
