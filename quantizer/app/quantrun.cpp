#include "quantizer/app/quantrun.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include "common/atomic_file.h"
#include "common/content_key.h"
#include "common/error.h"
#include "common/guarded_main.h"
#include "common/hash.h"
#include "common/images.h"
#include "common/log.h"
#include "common/version.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "quantizer/app/measure_float.h"
#include "quantizer/app/network_images.h"
#include "quantizer/app/quantize.h"
#include "quantizer/app/report.h"
#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/evaluate/fake_quantized.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/recipe/image_roles.h"
#include "quantizer/recipe/recipe_library.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

int thread_count(int asked) {
  return asked > 0 ? asked : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Of all that decides what is learned: the chosen images, whatever file or folder they came from.
std::string fingerprint(const std::string& recipe, const std::string& model_hash, const ImageSet& images,
                        const std::vector<std::size_t>& chosen) {
  ContentKey key;
  key.add(recipe).add(model_hash);
  for (const std::size_t image : chosen)
    key.add({reinterpret_cast<const char*>(images.image(image)), images.image_size()});
  return key.text();
}

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
      "Images: an IDX file (.gz too), a .npy file (uint8 N x H x W x C) or a folder of PNG and JPEG files; labels "
      "likewise, "
      "or for\na folder a text file of 'file class' lines.\n"
      "Exit status: 0 done; 1 internal error; 2 bad input.\n"
      "Example: quantrun --model models/resnet_fmnist.onnx --recipe nearest --bits w4a4 \\\n"
      "           --calibration /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz --output resnet.qnet");
  app.set_version_flag("--version", std::string("quantrun ") + version());
  std::string labels, test, test_labels, recipe, bits, input, input_shape, output, report;
  std::int64_t seed = -1;
  bool verbose = false, quiet = false;
  auto* model = app.add_option("--model,-m", options.model, "ONNX file of the float network");
  auto* calibration = app.add_option("--calibration", options.calibration, "Images to calibrate on (no test images)");
  app.add_option("--calibration-labels", labels,
                 "Labels of these; only the order of a folder's label file matters to 'nearest'");
  app.add_option("--recipe,-r", recipe,
                 "How to quantize: a recipe of the program by its name (--list-recipes), or a YAML file");
  app.add_option("--bits", bits,
                 "Widths of weights and activations, 2, 4 or 8 bits each, in place of the recipe's: w2a4");
  app.add_flag("--list-recipes", options.list_recipes, "Print the names of the program's recipes, and end");
  app.add_option("--input-shape", input_shape,
                 "HEIGHTxWIDTH of the images, where the model leaves them open; without it the calibration images'");
  app.add_option("--input", input,
                 "How pixels are normalized (YAML: mean, std, scale), in place of the recipe's section");
  auto* output_option = app.add_option("--output,-o", output, "The .qnet folder to write (not with free scales)");
  app.add_option("--report", report,
                 "A JSON file to write: layers with their diagnosis, accuracy paired with the float network's, time");
  app.add_flag("--diagnose", options.diagnose,
               "Print where the signal is lost, worst layers first (docs/diagnosis.md); --report always has it");
  app.add_option("--set", options.recipe.overrides, "KEY=VALUE: overrides a key of the recipe")
      ->take_all()
      ->allow_extra_args(false);
  auto* test_option = app.add_option("--test,--test-images", test, "Images to measure accuracy on, float and integer");
  auto* test_labels_option = app.add_option("--test-labels", test_labels, "Labels of the test images");
  test_labels_option->needs(test_option);
  app.add_flag("--measure-float", options.measure_float,
               "Measure the float network's accuracy on --test, keep it in the network of --output, and end")
      ->needs(test_option)
      ->needs(output_option)
      ->excludes(calibration);
  app.add_option("--threads", options.threads, "Threads; 0: one per processor. The result is the same at any number")
      ->check(CLI::Range(0, 1024));
  app.add_option("--seed", seed, "Seed of the draw of calibration images and of all learning, in place of the recipe's")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  add_mixed_options(app, options.mixed);
  add_exchange_options(app, options.exchange);
  app.add_flag("--print-recipe", options.print_recipe, "Print the recipe with every key, and end");
  app.add_flag("--explain-recipe", options.explain_recipe, "Print it with what each key means, and end");
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
  if (options.exchange.is_command()) {
    run_exchange(options.output, options.input_shape, options.verbosity > 0, options.exchange);
    return;
  }
  const int threads = thread_count(options.threads);
  if (options.measure_float) {
    measure_float(options.model, *options.output, *options.test, options.test_labels, threads);
    return;
  }
  const Graph graph = import_onnx(options.model, [&](int channels) {
    if (options.input_shape) return *options.input_shape;
    const ImageSet first =
        read_images(options.calibration, options.calibration_labels, static_cast<std::size_t>(channels), 1);
    return ImageSize{static_cast<int>(first.height), static_cast<int>(first.width)};
  });
  Plan plan = make_plan(graph, recipe, options.model.string());
  const Shape& shape = graph.input().shape;
  const auto classes = static_cast<std::size_t>(graph.output().shape.channels);
  // All input is read before the long work, so that a mistake shows at once.
  ImageSet test;
  if (options.test) test = load_test_images(*options.test, options.test_labels, graph);
  ImageSet calibration = load_images(options.calibration, options.calibration_labels, shape);
  const auto wanted =
      static_cast<std::size_t>(has_network_stage(recipe) ? std::max(recipe.calibration_images, recipe.network.images)
                                                         : recipe.calibration_images);
  if (wanted > calibration.count)
    spdlog::warn("{}: holds {} images, the recipe wants {}", options.calibration.string(), calibration.count, wanted);
  const auto chosen = choose_images(calibration.count, wanted, recipe.calibration_seed);
  spdlog::info("{}: {} layers; calibrating on {} images", options.model.string(), plan.layers.size(), chosen.size());

  if (options.mixed.measures()) {
    if (options.output || options.report || options.test)
      fail("--sensitivity: writes nothing but its own file: leave out --output, --report and --test");
    run_sensitivity(std::move(plan), recipe, calibration, chosen,
                    {options.model, label_of(options.recipe), threads, options.verbosity > 0}, options.mixed);
    return;
  }
  const bool free_scales = recipe.scales == Scales::kFree;
  if (free_scales && options.output)
    fail("--output: free scales cannot become integers; leave it out and give --test and --report");
  if (free_scales && options.exchange.exports())
    fail("--export-onnx, --export-qonnx: free scales cannot become integers; leave them out");
  if (!free_scales && !options.output) fail("--output: missing (only fake quantization with free scales has none)");
  const std::string model_hash = sha256_file(options.model), recipe_text = to_yaml(recipe);
  QuantizeOptions how;
  how.threads = threads;
  const std::optional<fs::path> beside = options.output ? options.output : options.report;
  if (beside) how.checkpoint = fs::path(beside->string() + ".partial");
  how.fingerprint = fingerprint(recipe_text, model_hash, calibration, chosen);
  Timeline timeline;
  how.timeline = &timeline;
  const auto start = std::chrono::steady_clock::now();
  const QuantizedNetwork quantized = quantize(std::move(plan), recipe, calibration, chosen, how);
  RunResult result;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::optional<qnet::Network> network;
  if (!free_scales) {
    const StageScope stage(&timeline, "export");
    network = to_integers(quantized);
    qnet::Provenance& provenance = network->provenance;
    provenance.tool = std::string("quantrun ") + version();
    provenance.recipe = label_of(options.recipe);
    provenance.recipe_hash = sha256(recipe_text);
    provenance.model = options.model.filename().string();
    provenance.model_hash = model_hash;
    provenance.calibration = options.calibration.filename().string();
    provenance.seed = recipe.calibration_seed;
    provenance.calibration_images = static_cast<int>(chosen.size());
    provenance.method = recipe.method;
  }
  std::optional<Diagnosis> diagnosis;
  if (options.diagnose || options.report) {
    const StageScope stage(&timeline, "diagnosis");
    diagnosis = diagnose(quantized, network, recipe, calibration, chosen, threads);
  }
  calibration = {};
  if (!test.labels.empty()) {
    const StageScope stage(&timeline, "accuracy");
    Progress float_progress("float network", test.count, "images");
    const FloatEngine engine(graph, recipe.input, threads);
    const auto logits = engine.run(test, 0, test.count, [&](std::size_t done) { float_progress.update(done); });
    std::vector<int> found;
    if (network) {
      qnet::validate(*network, options.output->string());
      Progress progress("integer network", test.count, "images");
      const qnet::Golden golden(*network);
      found = qnet::argmax(
          golden.run(test.image(0), test.count, threads, [&](std::size_t done) { progress.update(done); }), classes);
    } else {
      Progress progress("fake-quantized network", test.count, "images");
      found = argmax_float(
          run_fake_quantized(quantized, test, test.count, threads, [&](std::size_t done) { progress.update(done); }),
          classes);
    }
    result.accuracy = compare(argmax_float(logits, classes), found, test.labels);
    if (network) {
      network->provenance.float_accuracy = result.accuracy->before;
      network->provenance.float_accuracy_images = static_cast<int>(result.accuracy->images);
    }
  }
  if (network) {
    const StageScope stage(&timeline, "export");
    qnet::write(*network, *options.output);
  }
  result.stages = timeline.stages();
  if (options.report)
    write_file_atomically(*options.report, report_json(quantized, network, recipe, result, *diagnosis));
  // Last: what it refuses must not lose what was learned.
  if (network) write_exports(*network, options.verbosity > 0, options.exchange);
  if (options.verbosity == 0) return;
  if (network) fmt::print("{}", layer_table(quantized, *network));
  if (options.diagnose) fmt::print("\n{}\n", diagnosis_text(*diagnosis));
  fmt::print("{}\n", policy_text(*quantized.plan, recipe));
  if (result.accuracy) fmt::print("{}\n", accuracy_text(*result.accuracy, free_scales));
  if (options.output) fmt::print("wrote {}\n", options.output->string());
  if (options.report) fmt::print("wrote {}\n", options.report->string());
  fmt::print("{}\n", timeline_text(result.stages));
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
