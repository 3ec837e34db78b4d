#include "python/arguments.h"

#include <pybind11/numpy.h>

#include <cstring>

#include "common/error.h"
#include "common/text.h"

namespace shiftsim::python {
namespace {

/// Whether the value is an integer of Python or NumPy, which Python calls an index.
bool is_integer(py::handle value) {
  return PyIndex_Check(value.ptr()) != 0;
}

YAML::Node scalar(const std::string& text) {
  YAML::Node node;
  node = text;
  return node;
}

YAML::Node quoted(const std::string& text) {
  YAML::Node node = scalar(text);
  node.SetTag("!");
  return node;
}

YAML::Node list_of(py::handle values, const std::string& name) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (const py::handle value : values) list.push_back(yaml_of(value, name));
  return list;
}

YAML::Node map_of(const py::dict& values, const std::string& name) {
  YAML::Node map(YAML::NodeType::Map);
  for (const auto& [key, value] : values) {
    if (!py::isinstance<py::str>(key))
      fail("{}: found {} as a key, expected a text", name, std::string(py::str(py::repr(key))));
    const auto text = key.cast<std::string>();
    map[text] = yaml_of(value, fmt::format("{}: {}", name, text));
  }
  return map;
}

std::string type_name(py::handle value) {
  return py::str(py::type::of(value).attr("__name__"));
}

ImageSet image_set(const py::array& array, const std::string& name) {
  if (!py::isinstance<py::array_t<std::uint8_t>>(array))
    fail("{}: found an array of {}, expected uint8", name, std::string(py::str(array.dtype())));
  if (array.ndim() != 3 && array.ndim() != 4)
    fail("{}: found an array of {} dimensions, expected N x H x W x C or N x H x W", name, array.ndim());
  const auto dense = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>::ensure(array);
  ImageSet set;
  set.count = static_cast<std::size_t>(dense.shape(0));
  set.height = static_cast<std::size_t>(dense.shape(1));
  set.width = static_cast<std::size_t>(dense.shape(2));
  set.channels = dense.ndim() == 4 ? static_cast<std::size_t>(dense.shape(3)) : 1;
  if (dense.size() == 0) fail("{}: found an empty array, expected images", name);
  set.pixels.assign(dense.data(), dense.data() + dense.size());
  return set;
}

std::vector<int> label_list(py::handle labels, const std::string& name) {
  std::vector<int> list;
  for (const py::handle label : labels) {
    if (!is_integer(label)) fail("{}: found {} at {}, expected integers", name, type_name(label), list.size());
    list.push_back(py::int_(py::reinterpret_borrow<py::object>(label)).cast<int>());
  }
  return list;
}

}  // namespace

bool is_path(py::handle value) {
  return py::isinstance<py::str>(value) || py::isinstance<py::bytes>(value) || py::hasattr(value, "__fspath__");
}

std::string path_text(py::handle value) {
  const py::object path = py::module_::import("os").attr("fspath")(value);
  return py::isinstance<py::bytes>(path) ? path.cast<std::string>()
                                         : py::module_::import("os").attr("fsencode")(path).cast<std::string>();
}

YAML::Node yaml_of(py::handle value, const std::string& name) {
  if (value.is_none()) return YAML::Node(YAML::NodeType::Null);
  if (py::isinstance<py::dict>(value)) return map_of(py::reinterpret_borrow<py::dict>(value), name);
  if (py::isinstance<py::bool_>(value)) return scalar(value.cast<bool>() ? "true" : "false");
  if (is_path(value)) return quoted(path_text(value));
  // An array of one element would pass for an integer.
  if (py::isinstance<py::array>(value)) return yaml_of(value.attr("tolist")(), name);
  if (is_integer(value)) return scalar(py::str(py::int_(py::reinterpret_borrow<py::object>(value))));
  if (PyFloat_Check(value.ptr()) != 0) return scalar(py::repr(py::float_(value.cast<double>())).cast<std::string>());
  const bool is_list = py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value);
  if (is_list) return list_of(value, name);
  fail("{}: found a value of type {}, expected numbers, texts, True, False, lists and dictionaries", name,
       type_name(value));
}

ImageSource images_of(py::handle images, py::handle labels, const std::string& name) {
  ImageSource source;
  source.set_name = name;
  if (is_path(images)) {
    source.path = path_text(images);
    if (labels.is_none()) return source;
    if (!is_path(labels)) fail("{}: found labels that are no file for images that are: expected both alike", name);
    source.labels = path_text(labels);
    return source;
  }
  if (!py::isinstance<py::array>(images))
    fail("{}: found {}, expected a path or an array of uint8", name, type_name(images));
  source.set = image_set(py::reinterpret_borrow<py::array>(images), name);
  if (labels.is_none()) return source;
  if (is_path(labels)) fail("{}: found labels in a file for images that are an array: expected both alike", name);
  source.set->labels = label_list(labels, name + ": labels");
  if (source.set->labels.size() != source.set->count)
    fail("{}: found {} labels, expected {}, one an image", name, source.set->labels.size(), source.set->count);
  return source;
}

}  // namespace shiftsim::python
