#include "python/network.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "python/arguments.h"
#include "python/watched_call.h"
#include "qnet/io.h"
#include "qnet/layer_arrays.h"

namespace shiftsim::python {
namespace {

/// A layer or a tensor: its place in a network that lives as long.
struct LayerObject {
  SharedNetwork owner;
  std::size_t index = 0;
  const qnet::Layer& layer() const { return owner->network.layers[index]; }
  std::string tensor_name(int tensor) const { return owner->network.tensors[static_cast<std::size_t>(tensor)].name; }
};
struct TensorObject {
  SharedNetwork owner;
  std::size_t index = 0;
  const qnet::Tensor& tensor() const { return owner->network.tensors[index]; }
};

/// A view that Python cannot write to; 'owner' lives as long as it does.
template <typename T, typename Owner>
py::array view(const std::vector<py::ssize_t>& shape, const T* data, Owner owner) {
  const py::capsule keeper(new Owner(std::move(owner)), [](void* kept) { delete static_cast<Owner*>(kept); });
  py::array_t<T> array(shape, data, keeper);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

py::dict arrays_of(const LayerObject& object) {
  const qnet::Network& network = object.owner->network;
  const bool last = object.index + 1 == network.layers.size();
  py::dict arrays;
  qnet::for_each_array(
      network, object.layer(), last, [&](const char* name, const auto& values, const qnet::ArrayShape& shape, bool) {
        if (values.empty()) return;
        arrays[name] = view(std::vector<py::ssize_t>(shape.begin(), shape.end()), values.data(), object.owner);
      });
  return arrays;
}

/// The one image of an array H x W x C (or H x W), or of a batch of one.
ImageSet one_image(const NetworkObject& object, const py::array& image) {
  const qnet::Tensor& input = object.network.input();
  py::object batch = image;
  const bool single = image.ndim() < 4 && !(image.ndim() == 3 && input.channels == 1 && image.shape(0) == 1);
  if (single) batch = image.attr("reshape")(py::make_tuple(1, input.height, input.width, input.channels));
  ImageSet set = images_of(batch, py::none(), "image")
                     .read_of_shape(static_cast<std::size_t>(input.height), static_cast<std::size_t>(input.width),
                                    static_cast<std::size_t>(input.channels));
  if (set.count != 1) fail("image: found {} images, expected one", set.count);
  return set;
}

/// Every tensor of one image by its name, H x W x C.
py::dict trace(const SharedNetwork& object, const py::array& image) {
  const ImageSet set = one_image(*object, image);
  qnet::ImageTrace found;
  run_watched(py::none(), [&] { found = object->golden.trace(set.image(0)); });
  py::dict tensors;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const qnet::Tensor& tensor = object->network.tensors[i];
    auto values = std::make_shared<const std::vector<std::int32_t>>(std::move(found[i]));
    const std::int32_t* data = values->data();
    tensors[py::str(tensor.name)] = view({tensor.height, tensor.width, tensor.channels}, data, std::move(values));
  }
  return tensors;
}

/// The logits of images, N x classes; of a map N x H x W x channels.
py::array run(const SharedNetwork& object, const py::object& images, int threads, const py::object& progress) {
  const qnet::Tensor& input = object->network.input();
  const ImageSource source = images_of(images, py::none(), "images");
  auto logits = std::make_shared<std::vector<std::int32_t>>();
  ImageSet set;
  run_watched(progress, [&] {
    set = source.read_of_shape(static_cast<std::size_t>(input.height), static_cast<std::size_t>(input.width),
                               static_cast<std::size_t>(input.channels));
    Progress told("golden", set.count, "images");
    *logits = object->golden.run(set.pixels.data(), set.count, thread_count(threads),
                                 [&](std::size_t done) { told.update(done); });
  });
  const std::int32_t* data = logits->data();
  const qnet::Tensor& output = object->network.output();
  std::vector<py::ssize_t> shape = {static_cast<py::ssize_t>(set.count), output.height, output.width, output.channels};
  if (object->network.is_classifier()) shape.erase(shape.begin() + 1, shape.begin() + 3);
  return view(shape, data, std::move(logits));
}

py::dict provenance_of(const NetworkObject& object) {
  const qnet::Provenance& p = object.network.provenance;
  py::dict all;
  all["tool"] = p.tool;
  all["recipe"] = p.recipe;
  all["method"] = p.method;
  all["model"] = p.model;
  all["calibration"] = p.calibration;
  all["calibration_images"] = p.calibration_images;
  all["seed"] = p.seed;
  all["float_accuracy"] = p.float_accuracy < 0 ? py::object(py::none()) : py::float_(p.float_accuracy);
  return all;
}

/// (uint8 N x H x W x C, labels or None)
py::tuple read_image_arrays(const py::object& path, const py::object& labels, int channels) {
  if (!is_path(path)) throw py::type_error("path: expected a text or a path");
  ImageSource source = images_of(path, labels, "images");
  auto set = std::make_shared<ImageSet>();
  run_watched(py::none(), [&] { *set = source.read(static_cast<std::size_t>(channels)); });
  const auto size = [](std::size_t value) { return static_cast<py::ssize_t>(value); };
  py::object classes = py::none();
  if (!set->labels.empty()) classes = view({size(set->count)}, set->labels.data(), set);
  const std::vector<py::ssize_t> shape = {size(set->count), size(set->height), size(set->width), size(set->channels)};
  const std::uint8_t* pixels = set->pixels.data();
  return py::make_tuple(view(shape, pixels, std::move(set)), classes);
}

template <typename Object>
py::list objects_of(const SharedNetwork& owner, std::size_t count) {
  py::list all;
  for (std::size_t i = 0; i < count; ++i) all.append(Object{owner, i});
  return all;
}

py::object residual_of(const LayerObject& o) {
  if (o.layer().residual < 0) return py::none();
  return py::str(o.tensor_name(o.layer().residual));
}

py::object table_exponent_of(const LayerObject& o) {
  if (!o.layer().has_table()) return py::none();
  return py::int_(o.layer().table_exponent);
}

py::tuple pad_of(const LayerObject& o) {
  const qnet::Layer& layer = o.layer();
  return py::make_tuple(layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right);
}

void bind_tensor(py::module_& module) {
  py::class_<TensorObject>(module, "Tensor", "An activation tensor: a code q stands for q * 2 ** exponent.")
      .def_property_readonly("name", [](const TensorObject& o) { return o.tensor().name; })
      .def_property_readonly(
          "shape",
          [](const TensorObject& o) {
            return py::make_tuple(o.tensor().height, o.tensor().width, o.tensor().channels);
          },
          "(height, width, channels)")
      .def_property_readonly("bits", [](const TensorObject& o) { return o.tensor().bits; })
      .def_property_readonly("signed", [](const TensorObject& o) { return o.tensor().is_signed; })
      .def_property_readonly(
          "exponents", [](const TensorObject& o) { return o.tensor().exponents; }, "one, or one a channel")
      .def("__repr__", [](const TensorObject& o) { return fmt::format("<shiftsim.Tensor {}>", o.tensor().name); });
}

void bind_layer(py::module_& module) {
  py::class_<LayerObject>(module, "Layer", "A layer of a Network. docs/qnet-format.md explains its fields.")
      .def_property_readonly("index", [](const LayerObject& o) { return o.index; })
      .def_property_readonly("name", [](const LayerObject& o) { return o.layer().name; })
      .def_property_readonly("kind", [](const LayerObject& o) { return qnet::to_string(o.layer().kind); })
      .def_property_readonly(
          "input", [](const LayerObject& o) { return o.tensor_name(o.layer().input); }, "name of the tensor read")
      .def_property_readonly("residual", residual_of, "name of the tensor added, or None")
      .def_property_readonly(
          "output", [](const LayerObject& o) { return o.tensor_name(o.layer().output); }, "name of the tensor made")
      .def_property_readonly(
          "kernel", [](const LayerObject& o) { return py::make_tuple(o.layer().kernel_h, o.layer().kernel_w); })
      .def_property_readonly(
          "stride", [](const LayerObject& o) { return py::make_tuple(o.layer().stride_h, o.layer().stride_w); })
      .def_property_readonly(
          "dilation", [](const LayerObject& o) { return py::make_tuple(o.layer().dilation_h, o.layer().dilation_w); })
      .def_property_readonly("pad", pad_of, "(top, left, bottom, right)")
      .def_property_readonly("groups", [](const LayerObject& o) { return o.layer().groups; })
      .def_property_readonly("activation", [](const LayerObject& o) { return qnet::to_string(o.layer().activation); })
      .def_property_readonly("table_exponent", table_exponent_of, "of the codes that index the table; None without one")
      .def_property_readonly(
          "upsample",
          [](const LayerObject& o) { return py::make_tuple(o.layer().view.upsample_h, o.layer().view.upsample_w); },
          "times that a view repeats each pixel")
      .def_property_readonly(
          "crop",
          [](const LayerObject& o) { return py::make_tuple(o.layer().view.crop_top, o.layer().view.crop_left); },
          "rows and columns that a view leaves out in front")
      .def_property_readonly(
          "join", [](const LayerObject& o) { return qnet::row_of(o.layer().view.join).name; },
          "what a view joins tensors along: channels, height or width")
      .def_property_readonly(
          "lo", [](const LayerObject& o) { return o.layer().lo; }, "lower clamp")
      .def_property_readonly("weight_bits", [](const LayerObject& o) { return o.layer().weight_bits; })
      .def_property_readonly(
          "macs", [](const LayerObject& o) { return qnet::macs(o.owner->network, o.layer()); }, "of one image")
      .def_property_readonly(
          "arrays", arrays_of,
          "Its weights and tables by their names in the .qnet folder: views, which cannot be written")
      .def("__repr__", [](const LayerObject& o) { return fmt::format("<shiftsim.Layer {}>", o.layer().name); });
}

}  // namespace

void bind_network(py::module_& module) {
  module.def("read_images", read_image_arrays, py::arg("path"), py::arg("labels") = py::none(), py::kw_only(),
             py::arg("channels") = 3,
             "Images as the programs read them: (uint8 N x H x W x C, labels or None). 'channels': 1 or 3, of picture "
             "files.");
  bind_tensor(module);
  bind_layer(module);
  py::class_<NetworkObject, SharedNetwork>(module, "Network", "An integer network, read from a .qnet folder.")
      .def(
          py::init([](const py::object& path) { return std::make_shared<NetworkObject>(qnet::read(path_text(path))); }),
          py::arg("path"))
      .def_property_readonly("name", [](const NetworkObject& o) { return o.network.name; })
      .def_property_readonly(
          "layers", [](const SharedNetwork& o) { return objects_of<LayerObject>(o, o->network.layers.size()); },
          "in the order of execution")
      .def_property_readonly(
          "tensors", [](const SharedNetwork& o) { return objects_of<TensorObject>(o, o->network.tensors.size()); },
          "the image first")
      .def_property_readonly("provenance", provenance_of, "where the network came from")
      .def_property_readonly(
          "content_hash", [](const NetworkObject& o) { return qnet::content_hash(o.network); },
          "SHA-256 of all that it says: equal where two networks are the same to the last bit")
      .def(
          "write", [](const NetworkObject& o, const py::object& path) { qnet::write(o.network, path_text(path)); },
          py::arg("path"), "Writes a .qnet folder; an older network there is replaced.")
      .def("run", run, py::arg("images"), py::kw_only(), py::arg("threads") = 0, py::arg("progress") = py::none(),
           "The logits of images (a path, or uint8 N x H x W x C) by the golden reference: int32, "
           "N x classes; of a map N x H x W x channels.")
      .def("trace", trace, py::arg("image"),
           "Every tensor of one image (uint8 H x W x C) by its name: int32, H x W x C, codes of the golden reference.")
      .def("__repr__", [](const NetworkObject& o) {
        return fmt::format("<shiftsim.Network {}: {} layers>", o.network.name, o.network.layers.size());
      });
}

}  // namespace shiftsim::python
