// What Python's callers hand over, as the libraries take it. All of it needs Python's lock.
#pragma once

#include <optional>
#include <string>

#include <pybind11/pybind11.h>
#include <yaml-cpp/yaml.h>

#include "common/image_source.h"

namespace shiftsim::python {

namespace py = pybind11;

/// Whether the value is a path: a text, bytes or an os.PathLike.
bool is_path(py::handle value);
/// Throws TypeError for what is none.
std::string path_text(py::handle value);

/// A dictionary as the YAML that says the same: numbers, texts, True, False, None, lists, tuples and arrays of these.
/// 'name' is for messages. Throws UserError for other values.
YAML::Node yaml_of(py::handle value, const std::string& name);

/// Images as a path or an array (uint8, N x H x W x C or N x H x W), and labels (None, a path, or integers, one an
/// image). 'name' is for messages. Throws UserError.
ImageSource images_of(py::handle images, py::handle labels, const std::string& name);

}  // namespace shiftsim::python
