#include <pybind11/stl.h>

#include <memory>

#include "common/error.h"
#include "python/arguments.h"
#include "python/network.h"
#include "python/runs.h"
#include "python/watched_call.h"
#include "quantizer/app/quantize_model.h"
#include "quantizer/recipe/recipe_library.h"

namespace shiftsim::python {
namespace {

using namespace quantizer;

RecipeSources recipe_of(const py::object& recipe, const py::object& bits, const py::object& seed) {
  RecipeSources sources;
  if (py::isinstance<py::dict>(recipe)) {
    sources.keys = std::make_shared<YAML::Node>(yaml_of(recipe, "recipe"));
  } else if (!recipe.is_none()) {
    sources.file = recipe_file(path_text(recipe), "", "recipe");
  }
  if (!bits.is_none()) sources.widths = parse_widths(bits.cast<std::string>(), "bits");
  if (!seed.is_none()) sources.seed = seed.cast<std::int64_t>();
  return sources;
}

std::optional<ImageSize> size_of(const py::object& input_shape) {
  if (input_shape.is_none()) return std::nullopt;
  const auto sides = input_shape.cast<std::pair<int, int>>();
  if (sides.first < 1 || sides.second < 1)
    fail("input_shape: found {} x {}, expected (height, width) of at least 1", sides.first, sides.second);
  return ImageSize{sides.first, sides.second};
}

std::optional<double> minutes_of(const py::object& budget, const py::object& effort) {
  if (budget.is_none()) return std::nullopt;
  if (!effort.is_none()) fail("budget_minutes: found an effort, too, expected one of the two");
  const double minutes = budget.cast<double>();
  if (!(minutes > 0)) fail("budget_minutes: found {}, expected a number above 0", minutes);
  return minutes;
}

py::tuple quantize(const py::object& model, const py::object& calibration, const py::object& calibration_labels,
                   const py::object& recipe, const py::object& bits, const py::object& images, const py::object& labels,
                   const py::object& output, const py::object& input_shape, const std::string& output_tensor,
                   const py::object& effort, const py::object& budget_minutes, const py::object& seed, int threads,
                   const py::object& progress) {
  QuantizeRequest request;
  request.model = path_text(model);
  request.calibration = images_of(calibration, calibration_labels, "calibration");
  if (!images.is_none()) request.test = images_of(images, labels, "images");
  request.recipe = recipe_of(recipe, bits, seed);
  request.input_shape = size_of(input_shape);
  request.output_tensor = output_tensor;
  if (!effort.is_none()) request.recipe.effort = parse_effort(effort.cast<std::string>());
  request.budget_minutes = minutes_of(budget_minutes, effort);
  request.threads = threads;
  request.diagnose = true;
  if (!output.is_none()) {
    request.output = path_text(output);
    request.checkpoint = request.output->string() + ".partial";
  }
  std::optional<qnet::Network> network;
  std::string report;
  run_watched(progress, [&] {
    QuantizeInputs inputs = read_inputs(request);
    if (inputs.recipe.scales == Scales::kFree && request.output)
      fail("output: free scales cannot become integers; leave it out");
    Quantization found = quantize_model(inputs, request);
    report = report_json(found.quantized, found.network, inputs.recipe, found.result, *found.diagnosis);
    if (found.network) network = found.written();
  });
  py::object made = py::none();
  if (network) made = py::cast(std::make_shared<NetworkObject>(std::move(*network)));
  return py::make_tuple(made, py::module_::import("json").attr("loads")(report));
}

}  // namespace

void bind_quantize(py::module_& module) {
  module.def("quantize", quantize, py::arg("model"), py::arg("calibration"), py::arg("calibration_labels"),
             py::arg("recipe"), py::arg("bits"), py::arg("images"), py::arg("labels"), py::arg("output"),
             py::arg("input_shape"), py::arg("output_tensor"), py::arg("effort"), py::arg("budget_minutes"),
             py::arg("seed"), py::arg("threads"), py::arg("progress"));
  module.def("recipe_names", recipe_names, "The names of the recipes that come with ShiftSim.");
}

}  // namespace shiftsim::python
