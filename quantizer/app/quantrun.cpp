#include "quantizer/app/quantrun.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/guarded_main.h"
#include "common/log.h"
#include "common/version.h"
#include "quantizer/app/measure_float.h"
#include "quantizer/app/quantize_model.h"
#include "quantizer/app/report.h"
#include "quantizer/evaluate/diagnosis_report.h"
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

QuantizeRequest request_of(const QuantrunOptions& options) {
  QuantizeRequest request;
  request.model = options.model;
  request.calibration = {options.calibration, options.calibration_labels};
  if (options.test) request.test = ImageSource{*options.test, options.test_labels};
  request.input_shape = options.input_shape;
  request.recipe = options.recipe;
  request.threads = options.threads;
  request.output = options.output;
  const std::optional<fs::path> beside = options.output ? options.output : options.report;
  if (beside) request.checkpoint = fs::path(beside->string() + ".partial");
  request.diagnose = options.diagnose || options.report;
  return request;
}

void print(const Quantization& found, const Recipe& recipe, const QuantrunOptions& options) {
  if (found.network) fmt::print("{}", layer_table(found.quantized, *found.network));
  if (options.diagnose) fmt::print("\n{}\n", diagnosis_text(*found.diagnosis));
  fmt::print("{}\n", policy_text(*found.quantized.plan, recipe));
  if (found.result.accuracy) fmt::print("{}\n", accuracy_text(*found.result.accuracy, !found.network));
  if (options.output) fmt::print("wrote {}\n", options.output->string());
  if (options.report) fmt::print("wrote {}\n", options.report->string());
  fmt::print("{}\n", timeline_text(found.result.stages));
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
  std::string labels, test, test_labels, recipe, bits, input, input_shape, output, report;
  std::int64_t seed = -1;
  bool verbose = false, quiet = false;
  app.option_defaults()->group("What is quantized");
  auto* model = app.add_option("--model,-m", options.model, "ONNX file of the float network");
  auto* calibration = app.add_option("--calibration", options.calibration, "Images to calibrate on (no test images)");
  app.add_option("--calibration-labels", labels,
                 "Labels of these; only the order of a folder's label file matters to 'nearest'");
  app.add_option("--input-shape", input_shape,
                 "HEIGHTxWIDTH of the images, where the model leaves them open; without it the calibration images'");
  app.option_defaults()->group("How");
  app.add_option("--recipe,-r", recipe,
                 "How to quantize: a recipe of the program by its name (--list-recipes), or a YAML file");
  app.add_option("--bits", bits,
                 "Widths of weights and activations, 2, 4 or 8 bits each, in place of the recipe's: w2a4");
  app.add_option("--input", input,
                 "How pixels are normalized (YAML: mean, std, scale), in place of the recipe's section");
  app.add_option("--set", options.recipe.overrides, "KEY=VALUE: overrides a key of the recipe")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--seed", seed, "Seed of the draw of calibration images and of all learning, in place of the recipe's")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  app.option_defaults()->group("Results");
  auto* output_option = app.add_option("--output,-o", output, "The .qnet folder to write (not with free scales)");
  app.add_option("--report", report,
                 "A JSON file to write: layers with their diagnosis, accuracy paired with the float network's, time");
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
  app.option_defaults()->group("Print, and end");
  app.add_flag("--list-recipes", options.list_recipes, "Print the names of the program's recipes, and end");
  app.add_flag("--print-recipe", options.print_recipe, "Print the recipe with every key, and end");
  app.add_flag("--explain-recipe", options.explain_recipe, "Print it with what each key means, and end");
  app.option_defaults()->group("Messages");
  auto* quiet_flag = app.add_flag("--quiet,-q", quiet, "Only warnings and errors");
  app.add_flag("--verbose,-v", verbose, "More on stderr")->excludes(quiet_flag);

  try {
    app.parse(argc, argv);
    if (!options.print_recipe && !options.explain_recipe && !options.list_recipes && !options.mixed.assigns()) {
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
  if (!recipe.empty()) options.recipe.file = recipe_file(recipe, "", "--recipe");
  if (!bits.empty()) options.recipe.widths = parse_widths(bits, "--bits");
  options.recipe.input = optional_path(input);
  if (!input_shape.empty()) options.input_shape = parse_image_size(input_shape);
  if (seed >= 0) options.recipe.seed = seed;
  options.verbosity = quiet ? 0 : verbose ? 2 : 1;
  return std::nullopt;
}

void run_quantrun(const QuantrunOptions& options) {
  if (options.list_recipes) {
    for (const std::string& name : recipe_names()) fmt::print("{}\n", name);
    return;
  }
  const Recipe recipe = load_recipe(options.recipe);
  if (options.print_recipe || options.explain_recipe) {
    fmt::print("{}", options.explain_recipe ? explain_recipe(recipe) : to_yaml(recipe));
    return;
  }
  if (options.mixed.assigns()) {
    run_assignment(options.recipe, options.report, options.verbosity > 0, options.mixed);
    return;
  }
  if (options.measure_float) {
    measure_float(options.model, *options.output, *options.test, options.test_labels, options.threads);
    return;
  }
  const QuantizeRequest request = request_of(options);
  QuantizeInputs inputs = read_inputs(request);
  if (options.mixed.measures()) {
    if (options.output || options.report || options.test)
      fail("--sensitivity: writes nothing but its own file: leave out --output, --report and --images");
    run_sensitivity(std::move(inputs.plan), inputs.recipe, inputs.calibration, inputs.chosen,
                    {options.model, label_of(options.recipe), inputs.threads, options.verbosity > 0}, options.mixed);
    return;
  }
  const bool free_scales = inputs.recipe.scales == Scales::kFree;
  if (free_scales && options.output)
    fail("--output: free scales cannot become integers; leave it out and give --images and --report");
  if (!free_scales && !options.output) fail("--output: missing (only fake quantization with free scales has none)");
  const Quantization found = quantize_model(inputs, request);
  if (options.report)
    write_file_atomically(*options.report,
                          report_json(found.quantized, found.network, inputs.recipe, found.result, *found.diagnosis));
  if (options.verbosity > 0) print(found, inputs.recipe, options);
}

int quantrun_main(int argc, const char* const* argv) {
  return guarded_main("quantrun", [&]() -> int {
    QuantrunOptions options;
    if (const auto status = parse_quantrun(argc, argv, options)) return *status;
    setup_logging(options.verbosity);
    try {
      run_quantrun(options);
    } catch (const std::bad_alloc&) {
      fail("out of memory: calibrate on fewer images (calibration.images)");
    }
    return kDone;
  });
}

}  // namespace shiftsim::quantizer
