// Python's module shiftsim._core: the libraries behind quantrun and simrun. shiftsim/__init__.py is what users import.
#include <filesystem>

#include <pybind11/pybind11.h>

#include "common/error.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/version.h"
#include "python/network.h"
#include "python/runs.h"

namespace py = pybind11;

namespace {

/// An error of the file system is Python's OSError, with the path and what the system says.
void translate_filesystem_error(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::filesystem::filesystem_error& found) {
    PyErr_SetString(PyExc_OSError, fmt::format("{}: {}", found.path1().string(), found.code().message()).c_str());
  }
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  using namespace shiftsim;
  setup_logging(0);
  py::register_exception<UserError>(module, "UserError", PyExc_ValueError);
  py::register_exception<InternalError>(module, "InternalError", PyExc_RuntimeError);
  py::register_exception_translator(translate_filesystem_error);
  module.attr("__version__") = version();
  module.def("set_verbosity", setup_logging, py::arg("level"),
             "What is written to stderr: 0 warnings and errors (the default), 1 information and progress, 2 more.");
  module.def(
      "home_folder", [] { return home_folder().string(); },
      "The folder of the configurations, recipes and RTL that come with ShiftSim.");
  python::bind_network(module);
  python::bind_quantize(module);
  python::bind_simulate(module);
  python::bind_sweep(module);
}
