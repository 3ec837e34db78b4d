#include "quantizer/app/quantrun.h"

#include <chrono>
#include <cstdio>
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
#include "quantizer/app/time_budget.h"
#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/evaluate/fake_quantized.h"
#include "quantizer/export/activation_table.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/pages/quantization_page.h"
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

void write_report(const fs::path& report, const std::string& json) {
  write_file_atomically(report, json);
  write_file_atomically(page_of(report), quantization_page(json));
}

}  // namespace

void run_quantrun(const QuantrunOptions& options) {
  if (options.list_recipes) {
    for (const std::string& name : recipe_names()) fmt::print("{}\n", name);
    return;
  }
  RecipeSources sources = options.recipe;
  if (options.budget_minutes) sources.iterations = 1;  // until they are known
  Recipe recipe = load_recipe(sources);
  if (options.print_recipe || options.explain_recipe) {
    fmt::print("{}", options.explain_recipe ? explain_recipe(recipe) : to_yaml(recipe));
    return;
  }
  if (options.mixed.assigns()) {
    run_assignment(options.recipe, options.report, options.verbosity > 0, options.mixed);
    return;
  }
  const int threads = thread_count(options.threads);
  if (options.measure_float) {
    measure_float(options.model, options.output_tensor, *options.output, *options.test, options.test_labels, threads);
    return;
  }
  const Graph graph = import_onnx(
      options.model,
      [&](int channels) {
        if (options.input_shape) return *options.input_shape;
        const ImageSet first =
            read_images(options.calibration, options.calibration_labels, static_cast<std::size_t>(channels), 1);
        return ImageSize{static_cast<int>(first.height), static_cast<int>(first.width)};
      },
      options.output_tensor);
  Plan plan = make_plan(graph, recipe, options.model.string());
  const Shape& shape = graph.input().shape;
  const auto classes = static_cast<std::size_t>(graph.output().shape.channels);
  // All input is read before the long work, so that a mistake shows at once.
  ImageSet test;
  if (options.test) test = load_test_images(*options.test, options.test_labels, graph);
  ImageSet calibration = load_images(options.calibration, options.calibration_labels, shape);
  const auto wanted = static_cast<std::size_t>(
      holds_out(recipe) ? std::max(recipe.calibration_images, recipe.network.images) : recipe.calibration_images);
  const auto chosen = choose_images(calibration.count, wanted, recipe.calibration_seed);
  spdlog::info("{}: {} layers; {}", options.model.string(), plan.layers.size(), ImageRoles(chosen, recipe).text());

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
  if (!free_scales && !options.output) fail("--output: missing (only fake quantization with free scales has none)");
  const std::string model_hash = sha256_file(options.model);
  QuantizeOptions how;
  how.threads = threads;
  const std::optional<fs::path> beside = options.output ? options.output : options.report;
  if (beside) how.checkpoint = fs::path(beside->string() + ".partial");
  if (options.budget_minutes) {
    const std::string key = fingerprint(fmt::format("{} minutes\n{}", *options.budget_minutes, to_yaml(recipe)),
                                        model_hash, calibration, chosen);
    const std::optional<fs::path> file = beside ? std::optional(*how.checkpoint / "budget") : std::nullopt;
    sources.iterations = iterations_within(*options.budget_minutes, plan, recipe, threads, file, key);
    recipe = load_recipe(sources);
  }
  const std::string recipe_text = to_yaml(recipe);
  how.fingerprint = fingerprint(recipe_text, model_hash, calibration, chosen);
  Timeline timeline;
  how.timeline = &timeline;
  LearningRecord record;
  how.record = &record;
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
    qnet::write(merge_tables(*network), *options.output);
  }
  result.stages = timeline.stages();
  result.learning = record;
  if (options.report) write_report(*options.report, report_json(quantized, network, recipe, result, *diagnosis));
  if (options.verbosity == 0) return;
  if (network) fmt::print("{}", layer_table(quantized, *network));
  if (options.diagnose) fmt::print("\n{}\n", diagnosis_text(*diagnosis));
  fmt::print("{}\n", policy_text(*quantized.plan, recipe));
  fmt::print("{}", learning_text(record));
  if (result.accuracy) fmt::print("{}\n", accuracy_text(*result.accuracy, free_scales));
  if (options.output) fmt::print("wrote {}\n", options.output->string());
  if (options.report) fmt::print("wrote {} and {}\n", options.report->string(), page_of(*options.report).string());
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
