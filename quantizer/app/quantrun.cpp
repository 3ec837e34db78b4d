#include "quantizer/app/quantrun.h"

#include <cstdio>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/guarded_main.h"
#include "common/log.h"
#include "quantizer/app/measure_float.h"
#include "quantizer/app/quantize_model.h"
#include "quantizer/app/report.h"
#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/pages/quantization_page.h"
#include "quantizer/recipe/recipe_library.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

QuantizeRequest request_of(const QuantrunOptions& options) {
  QuantizeRequest request;
  request.model = options.model;
  request.calibration = {options.calibration, options.calibration_labels};
  if (options.test) request.test = ImageSource{*options.test, options.test_labels};
  request.output_tensor = options.output_tensor;
  request.input_shape = options.input_shape;
  request.recipe = options.recipe;
  request.budget_minutes = options.budget_minutes;
  request.threads = options.threads;
  request.output = options.output;
  const std::optional<fs::path> beside = options.output ? options.output : options.report;
  if (beside) request.checkpoint = fs::path(beside->string() + ".partial");
  request.diagnose = options.diagnose || options.report;
  return request;
}

void write_report(const fs::path& report, const std::string& json) {
  write_file_atomically(report, json);
  write_file_atomically(page_of(report), quantization_page(json));
}

void print(const Quantization& found, const Recipe& recipe, const QuantrunOptions& options) {
  if (found.network) fmt::print("{}", layer_table(found.quantized, *found.network));
  if (options.diagnose) fmt::print("\n{}\n", diagnosis_text(*found.diagnosis));
  fmt::print("{}\n", policy_text(*found.quantized.plan, recipe));
  fmt::print("{}", learning_text(found.result.learning));
  if (found.result.accuracy) fmt::print("{}\n", accuracy_text(*found.result.accuracy, !found.network));
  if (options.output) fmt::print("wrote {}\n", options.output->string());
  if (options.report) fmt::print("wrote {} and {}\n", options.report->string(), page_of(*options.report).string());
  fmt::print("{}\n", timeline_text(found.result.stages));
}

}  // namespace

void run_quantrun(const QuantrunOptions& options) {
  if (options.list_recipes) {
    for (const std::string& name : recipe_names()) fmt::print("{}\n", name);
    return;
  }
  if (options.print_recipe || options.explain_recipe) {
    const Recipe recipe = load_recipe(options.recipe);
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
  if (options.measure_float) {
    measure_float(options.model, options.output_tensor, *options.output, *options.test, options.test_labels,
                  options.threads);
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
  if (free_scales && options.exchange.exports())
    fail("--export-onnx, --export-qonnx: free scales cannot become integers; leave them out");
  if (!free_scales && !options.output) fail("--output: missing (only fake quantization with free scales has none)");
  const Quantization found = quantize_model(inputs, request);
  if (options.report)
    write_report(*options.report,
                 report_json(found.quantized, found.network, inputs.recipe, found.result, *found.diagnosis));
  // Last: what it refuses must not lose what was learned.
  if (found.network) write_exports(found.written(), options.verbosity > 0, options.exchange);
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
