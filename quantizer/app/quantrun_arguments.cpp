// The command line of quantrun.
#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>

#include "common/error.h"
#include "common/guarded_main.h"
#include "common/version.h"
#include "quantizer/app/quantrun.h"
#include "quantizer/app/report.h"
#include "quantizer/recipe/recipe_library.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

/// "224x224". Throws UserError.
ImageSize parse_image_size(const std::string& text) {
  const std::size_t by = text.find('x');
  ImageSize size;
  const auto number = [&](std::string_view part, int& value) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc() && end == part.data() + part.size() && value >= 1 && value <= (1 << 20);
  };
  const std::string_view all = text;
  const bool good =
      by != std::string::npos && number(all.substr(0, by), size.height) && number(all.substr(by + 1), size.width);
  if (!good) fail("--input-shape: found '{}', expected HEIGHTxWIDTH, for example 224x224", text);
  return size;
}

}  // namespace

std::optional<int> parse_quantrun(int argc, const char* const* argv, QuantrunOptions& options) {
  CLI::App app{"Quantizes a float ONNX network to an integer network whose every scale is a power of two (.qnet).",
               "quantrun"};
  app.footer(
      "Images: an IDX file (.gz too), a .npy file (uint8 N x H x W x C), or a folder of PNG and JPEG files. Labels "
      "likewise, or for\na folder a text file of 'file class' lines. A folder with a sub-folder a class has its "
      "labels.\n"
      "Exit status: 0 done; 1 internal error; 2 bad input.\n"
      "Example: quantrun --model models/resnet_fmnist.onnx --recipe nearest --bits w4a4 \\\n"
      "           --calibration /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz --output resnet.qnet");
  app.set_version_flag("--version", std::string("quantrun ") + version());
  std::string labels, test, test_labels, recipe, bits, input, input_shape, output, report, effort;
  double budget = 0;
  std::int64_t seed = -1;
  bool verbose = false, quiet = false;
  app.option_defaults()->group("What is quantized");
  auto* model = app.add_option("--model,-m", options.model, "ONNX file of the float network");
  auto* calibration = app.add_option("--calibration", options.calibration, "Images to calibrate on (no test images)");
  app.add_option("--calibration-labels", labels,
                 "Labels of these; only the order of a folder's label file matters to 'nearest'");
  app.add_option("--output-tensor", options.output_tensor,
                 "Which value of the model is the output, where it has several");
  app.add_option("--input-shape", input_shape,
                 "HEIGHTxWIDTH of the images, where the model leaves them open; without it the calibration images'");
  app.option_defaults()->group("How");
  app.add_option("--recipe,-r", recipe,
                 "How to quantize: a recipe of the program by its name (--list-recipes), or a YAML file");
  app.add_option("--bits", bits,
                 "Widths of weights and activations, 2, 4 or 8 bits each, in place of the recipe's: w2a4");
  auto* effort_option =
      app.add_option("--effort", effort, "How long a recipe such as 'best' learns: quick, normal or thorough")
          ->check(CLI::IsMember({"quick", "normal", "thorough"}));
  auto* budget_option =
      app.add_option("--budget-minutes", budget, "As long as fits into so many minutes on this machine")
          ->check(CLI::PositiveNumber)
          ->excludes(effort_option);
  app.add_option("--input", input,
                 "How pixels are normalized (YAML: mean, std, scale), in place of the recipe's section");
  app.add_option("--set", options.recipe.overrides, "KEY=VALUE: overrides a key of the recipe")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--seed", seed, "Seed of the draw of calibration images and of all learning, in place of the recipe's")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  app.option_defaults()->group("Results");
  auto* output_option = app.add_option("--output,-o", output, "The .qnet folder to write (not with free scales)");
  app.add_option(
      "--report", report,
      "A JSON file to write: layers with their diagnosis, accuracy paired with the float network's, time; and "
      "beside it the page that shows it (.html)");
  app.add_flag("--diagnose", options.diagnose,
               "Print where the signal is lost, worst layers first (docs/diagnosis.md); --report always has it");
  app.option_defaults()->group("What accuracy is measured on");
  auto* test_option =
      app.add_option("--images,--test,--test-images", test, "Images to measure accuracy on, float and integer");
  auto* test_labels_option = app.add_option("--labels,--test-labels", test_labels, "Labels of these images");
  test_labels_option->needs(test_option);
  app.add_flag("--measure-float", options.measure_float,
               "Measure the float network's accuracy on --images, keep it in the network of --output, and end")
      ->needs(test_option)
      ->needs(output_option)
      ->excludes(calibration);
  app.option_defaults()->group("Run");
  app.add_option("--threads", options.threads, "Threads; 0: one per processor. The result is the same at any number")
      ->check(CLI::Range(0, 1024));
  add_mixed_options(app, options.mixed);
  add_exchange_options(app, options.exchange);
  app.option_defaults()->group("Print, and end");
  app.add_flag("--list-recipes", options.list_recipes, "Print the names of the program's recipes, and end");
  app.add_flag("--print-recipe", options.print_recipe, "Print the recipe with every key, and end")
      ->excludes(budget_option);
  app.add_flag("--explain-recipe", options.explain_recipe, "Print it with what each key means, and end")
      ->excludes(budget_option);
  app.option_defaults()->group("Messages");
  auto* quiet_flag = app.add_flag("--quiet,-q", quiet, "Only warnings and errors");
  app.add_flag("--verbose,-v", verbose, "More on stderr")->excludes(quiet_flag);

  try {
    app.parse(argc, argv);
    if (!options.print_recipe && !options.explain_recipe && !options.list_recipes && !options.mixed.assigns() &&
        !options.exchange.is_command()) {
      if (model->count() == 0) throw CLI::RequiredError(model->get_name());
      if (calibration->count() == 0 && !options.measure_float) throw CLI::RequiredError(calibration->get_name());
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kBadInput;
  }
  const auto optional_path = [](const std::string& text) {
    return text.empty() ? std::optional<fs::path>{} : std::optional<fs::path>{text};
  };
  options.calibration_labels = optional_path(labels);
  options.test = optional_path(test);
  options.test_labels = optional_path(test_labels);
  options.output = optional_path(output);
  options.report = optional_path(report);
  if (options.report && page_of(*options.report) == *options.report)
    fail("--report: found '{}', expected the name of a JSON file: the page beside it ends in .html", report);
  if (!recipe.empty()) options.recipe.file = recipe_file(recipe, "", "--recipe");
  if (!bits.empty()) options.recipe.widths = parse_widths(bits, "--bits");
  options.recipe.input = optional_path(input);
  if (!effort.empty()) options.recipe.effort = parse_effort(effort);
  if (budget > 0) options.budget_minutes = budget;
  if (!input_shape.empty()) options.input_shape = parse_image_size(input_shape);
  if (seed >= 0) options.recipe.seed = seed;
  options.verbosity = quiet ? 0 : verbose ? 2 : 1;
  return std::nullopt;
}

}  // namespace shiftsim::quantizer
