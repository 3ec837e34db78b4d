#include <mutex>
#include <optional>

#include "common/error.h"
#include "python/arguments.h"
#include "python/network.h"
#include "python/runs.h"
#include "python/systemc_turn.h"
#include "python/watched_call.h"
#include "sim/config/choices.h"
#include "sim/config/config_base.h"
#include "sim/engine/inputs.h"
#include "sim/engine/simulate.h"
#include "sim/report/report_files.h"
#include "sim/report/report_json.h"

namespace shiftsim::python {
namespace {

using namespace sim;

/// The configuration of a call, and what of it stands in Python's objects.
struct SimulateCall {
  RunConfig config;
  SharedNetwork network;              ///< null: config.network
  std::optional<ImageSource> images;  ///< none: config.images
  std::filesystem::path output;
};

ConfigBase config_base(const py::object& config) {
  if (config.is_none()) return ConfigBase(std::filesystem::path());
  if (py::isinstance<py::dict>(config)) return {yaml_of(config, "config"), "config"};
  return ConfigBase(std::filesystem::path(path_text(config)));
}

SimulateCall call_of(const py::object& config, const py::object& network, const py::object& images,
                     const py::object& labels, const py::object& fidelity, const py::object& output, int threads) {
  SimulateCall call;
  Choices choices;
  if (py::isinstance<NetworkObject>(network)) {
    call.network = network.cast<SharedNetwork>();
  } else if (!network.is_none()) {
    choices.network = path_text(network);
  }
  if (images.is_none()) {
    if (!labels.is_none()) choices.labels = path_text(labels);
  } else {
    const ImageSource source = images_of(images, labels, "images");
    if (source.set) {
      call.images = source;
    } else {
      choices.images = source.path;
      if (source.labels) choices.labels = *source.labels;
    }
  }
  if (!fidelity.is_none()) choices.fidelity = fidelity.cast<std::string>();
  choices.threads = threads;
  call.config = config_base(config).load(overrides_of(choices));
  if (!output.is_none()) call.output = path_text(output);
  return call;
}

std::string run(const SimulateCall& call) {
  std::optional<qnet::Network> own;
  if (!call.network) own = read_network(call.config);
  const qnet::Network& network = call.network ? call.network->network : *own;
  const auto limit = static_cast<std::size_t>(call.config.test_images);
  const qnet::Tensor& input = network.input();
  const ImageSet images = call.images ? call.images->read_of_shape(static_cast<std::size_t>(input.height),
                                                                   static_cast<std::size_t>(input.width),
                                                                   static_cast<std::size_t>(input.channels), limit)
                                      : read_test_images(call.config, network, limit);
  const bool systemc = call.config.fidelity == Fidelity::kCycle || call.config.fidelity == Fidelity::kLockstep;
  const auto turn = systemc ? systemc_turn() : std::unique_lock<std::timed_mutex>();
  const Report report = simulate(call.config, network, images, call.output);
  if (!call.output.empty()) write_report(report, call.output);
  return report_json(report).dump();
}

py::object simulate_call(const py::object& config, const py::object& network, const py::object& images,
                         const py::object& labels, const py::object& fidelity, const py::object& output, int threads,
                         const py::object& progress) {
  const SimulateCall call = call_of(config, network, images, labels, fidelity, output, threads);
  std::string report;
  run_watched(progress, [&] { report = run(call); });
  return py::module_::import("json").attr("loads")(report);
}

}  // namespace

void bind_simulate(py::module_& module) {
  module.def("simulate", simulate_call, py::arg("config"), py::arg("network"), py::arg("images"), py::arg("labels"),
             py::arg("fidelity"), py::arg("output"), py::arg("threads"), py::arg("progress"));
}

}  // namespace shiftsim::python
