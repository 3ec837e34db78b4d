#include "common/error.h"
#include "python/arguments.h"
#include "python/runs.h"
#include "python/systemc_turn.h"
#include "python/watched_call.h"
#include "quantizer/app/quantize_model.h"
#include "quantizer/recipe/recipe_library.h"
#include "sim/sweep/run_sweep.h"
#include "sim/sweep/sweep_folder.h"
#include "sim/sweep/sweep_results.h"

namespace shiftsim::python {
namespace {

using namespace sim;
namespace fs = std::filesystem;

/// A network of an axis of 'quantize', in this process.
void make_network(const NetworkToMake& wanted) {
  const QuantizeConfig& how = wanted.quantize;
  quantizer::QuantizeRequest request;
  request.model = how.model;
  request.calibration.path = how.calibration;
  if (!how.calibration_labels.empty()) request.calibration.labels = how.calibration_labels;
  if (!how.recipe.empty()) request.recipe.file = quantizer::recipe_file(how.recipe, "", "quantize.recipe");
  if (!how.bits.empty()) request.recipe.widths = quantizer::parse_widths(how.bits, "quantize.bits");
  request.output = wanted.network;
  quantizer::QuantizeInputs inputs = quantizer::read_inputs(request);
  quantize_model(inputs, request);
}

py::object sweep(const py::object& spec, const py::object& output, int workers, const py::object& progress) {
  const bool in_place = py::isinstance<py::dict>(spec);
  const YAML::Node keys = in_place ? yaml_of(spec, kSweepName) : YAML::Node();
  const fs::path file = in_place ? fs::path() : fs::path(path_text(spec));
  const fs::path folder = output.is_none() ? fs::path() : fs::path(path_text(output));
  fs::path results;
  run_watched(progress, [&] {
    const auto plan = in_place ? start_sweep(keys, {}, folder) : start_sweep(file, {}, folder);
    // Its front may be verified with SystemC.
    const auto turn = systemc_turn();
    SweepWork work(*plan);
    run_sweep(*plan, work, {workers == 0 ? all_processors() : workers, {}, make_network});
    const SweepResults found = results_of(*plan, work);
    found.write();
    results = plan->folder();
  });
  const py::object text = py::module_::import("pathlib").attr("Path")(results.string());
  const py::object points = (text / py::str("points.json")).attr("read_text")("utf-8");
  py::dict report = py::module_::import("json").attr("loads")(points);
  report["folder"] = results.string();
  return report;
}

}  // namespace

void bind_sweep(py::module_& module) {
  module.def("sweep", sweep, py::arg("spec"), py::arg("output"), py::arg("workers"), py::arg("progress"));
}

}  // namespace shiftsim::python
