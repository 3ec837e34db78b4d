#include <algorithm>
#include <limits>
#include <map>

#include "common/error.h"
#include "common/hash.h"
#include "common/read_file.h"
#include "common/suggestion.h"
#include "common/yaml.h"
#include "qnet/io.h"
#include "qnet/layer_arrays.h"

namespace shiftsim::qnet {
namespace {

namespace fs = std::filesystem;

constexpr long kIntMax = std::numeric_limits<int>::max();
constexpr double kDoubleMax = std::numeric_limits<double>::max();

/// The row of a table of kinds that a key names.
template <typename Rows>
const typename Rows::value_type& row_named(YamlMap& map, const char* key, const Rows& rows) {
  std::vector<std::string> names;
  names.reserve(std::size(rows));
  for (const auto& row : rows) names.emplace_back(row.name);
  const std::string name = map.get_choice(key, names);
  return rows[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
}

int int_of(YamlMap& map, const char* key, long low, long high) {
  return static_cast<int>(map.get_int(key, low, high));
}

/// A list of exactly 'count' integers in [low, high].
std::vector<int> ints_of(YamlMap& map, const char* key, std::size_t count, long low, long high) {
  const std::vector<long> values = map.get_ints(key);
  const bool in_range = std::all_of(values.begin(), values.end(), [&](long v) { return v >= low && v <= high; });
  if ((count != 0 && values.size() != count) || values.empty() || !in_range) {
    map.error(key,
              fmt::format("expected {}integers in [{}, {}]", count != 0 ? fmt::format("{} ", count) : "", low, high));
  }
  return {values.begin(), values.end()};
}

class Reader {
public:
  explicit Reader(fs::path folder) : folder_(std::move(folder)) {}

  Network read() {
    if (!fs::is_directory(folder_)) fail("{}: there is no such .qnet folder", folder_.string());
    YamlMap root = YamlMap::load(folder_ / kNetworkFile);
    root.get_choice("format", {kFormatName});
    const long version = root.get_int("version", 0, kIntMax);
    if (version != kFormatVersion) {
      root.error("version",
                 fmt::format("found format version {}, expected {}: write the network again with this version's "
                             "quantrun",
                             version, kFormatVersion));
    }
    network_.name = root.get_string("name");
    read_input_spec(root.get_map("input_spec"));
    read_provenance(root.get_map("provenance"));
    for (YamlMap& map : root.get_maps("tensors")) read_tensor(map);
    std::vector<YamlMap> layers = root.get_maps("layers");
    root.finish();
    for (std::size_t i = 0; i < layers.size(); ++i) read_layer(layers[i], i + 1 == layers.size());
    validate(network_, folder_.string());
    return std::move(network_);
  }

private:
  void read_input_spec(YamlMap map) {
    network_.input_spec.mean = map.get_numbers("mean");
    network_.input_spec.std_dev = map.get_numbers("std");
    network_.input_spec.scale = map.get_number("scale", 0, kDoubleMax);
    map.finish();
  }

  void read_provenance(YamlMap map) {
    Provenance& p = network_.provenance;
    p.tool = map.get_string("tool");
    p.recipe = map.get_string("recipe");
    p.recipe_hash = map.get_string("recipe_hash");
    p.model = map.get_string("model");
    p.model_hash = map.get_string("model_hash");
    p.calibration = map.get_string("calibration");
    p.seed = map.get_int("seed", std::numeric_limits<long>::min(), std::numeric_limits<long>::max());
    p.calibration_images = int_of(map, "calibration_images", 0, kIntMax);
    p.method = map.get_string("method");
    p.float_accuracy = map.get_number("float_accuracy", -1, 100);
    p.float_accuracy_images = int_of(map, "float_accuracy_images", 0, kIntMax);
    map.finish();
  }

  void read_tensor(YamlMap& map) {
    Tensor tensor;
    tensor.name = map.get_string("name");
    const std::vector<int> shape = ints_of(map, "shape", 3, 1, kIntMax);
    tensor.height = shape[0];
    tensor.width = shape[1];
    tensor.channels = shape[2];
    tensor.bits = int_of(map, "bits", 2, kLogitsBits);
    tensor.is_signed = map.get_bool("signed");
    tensor.exponents = ints_of(map, "exponents", 0, -128, 127);
    map.finish();
    if (!tensors_.emplace(tensor.name, static_cast<int>(network_.tensors.size())).second) {
      map.error("name", fmt::format("found '{}', the name of another tensor", tensor.name));
    }
    network_.tensors.push_back(std::move(tensor));
  }

  int tensor_index(YamlMap& map, const char* key) const {
    const std::string name = map.get_string(key);
    const auto found = tensors_.find(name);
    if (found != tensors_.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& entry : tensors_) known.push_back(entry.first);
    map.error(key, fmt::format("found '{}', expected the name of a tensor{}", name, suggestion(name, known)));
  }

  void read_layer(YamlMap& map, bool last) {
    Layer layer;
    layer.name = map.get_string("name");
    layer.kind = row_named(map, "kind", kLayerKinds).kind;
    layer.input = tensor_index(map, "input");
    layer.output = tensor_index(map, "output");
    if (layer.is_view()) return read_view(map, std::move(layer));
    if (map.has("residual")) layer.residual = tensor_index(map, "residual");
    const std::vector<int> kernel = ints_of(map, "kernel", 2, 1, kIntMax),
                           stride = ints_of(map, "stride", 2, 1, kIntMax);
    const std::vector<int> dilation = ints_of(map, "dilation", 2, 1, kIntMax), pad = ints_of(map, "pad", 4, 0, kIntMax);
    layer.kernel_h = kernel[0];
    layer.kernel_w = kernel[1];
    layer.stride_h = stride[0];
    layer.stride_w = stride[1];
    layer.dilation_h = dilation[0];
    layer.dilation_w = dilation[1];
    layer.pad_top = pad[0];
    layer.pad_left = pad[1];
    layer.pad_bottom = pad[2];
    layer.pad_right = pad[3];
    const int input_channels = network_.in(layer).channels;
    if (row_of(layer.kind).has_weights) {
      layer.groups = int_of(map, "groups", 1, kIntMax);
      if (input_channels % layer.groups != 0) {
        map.error("groups",
                  fmt::format("found {}, expected a divisor of {} input channels", layer.groups, input_channels));
      }
      layer.weight_bits = int_of(map, "weight_bits", 2, 8);
    }
    layer.activation = row_named(map, "activation", kActivations).activation;
    layer.lo = int_of(map, "lo", -128, 127);
    if (layer.has_table()) layer.table_exponent = int_of(map, "table_exponent", -128, 127);
    finish_layer(map, std::move(layer), last);
  }

  void read_view(YamlMap& map, Layer layer) {
    if (map.has("joined")) layer.residual = tensor_index(map, "joined");
    if (map.has("join")) layer.view.join = row_named(map, "join", kJoinAxes).axis;
    if (map.has("crop")) {
      const std::vector<int> crop = ints_of(map, "crop", 2, 0, kIntMax);
      layer.view.crop_top = crop[0];
      layer.view.crop_left = crop[1];
    }
    const std::vector<int> upsample = ints_of(map, "upsample", 2, 1, kIntMax);
    layer.view.upsample_h = upsample[0];
    layer.view.upsample_w = upsample[1];
    finish_layer(map, std::move(layer), false);
  }

  void finish_layer(YamlMap& map, Layer layer, bool last) {
    YamlMap arrays = map.get_map("arrays", /*optional=*/true);
    map.finish();
    for_each_array(network_, layer, last, [&](const char* name, auto& array, const ArrayShape& shape, bool required) {
      if (required || arrays.has(name)) read_array(arrays.get_map(name), layer.name + "/" + name, array, shape);
    });
    arrays.finish();
    network_.layers.push_back(std::move(layer));
  }

  /// Checks in the order in which a user would want to know: is the file there and unchanged, is it what network.yaml
  /// says, and is that what the layer needs.
  template <typename T>
  void read_array(YamlMap map, const std::string& what, std::vector<T>& array, const ArrayShape& expected) {
    const std::string file = map.get_string("file");
    if (file.empty() || fs::path(file).filename() != fs::path(file) || file == "..") {
      map.error("file", fmt::format("{}: found '{}', expected the name of a file in the folder", what, file));
    }
    const std::string dtype = map.get_string("dtype");
    const std::vector<int> listed = ints_of(map, "shape", 0, 0, kIntMax);
    const std::string checksum = map.get_string("sha256");
    map.finish();

    const std::string path = (folder_ / file).string();
    if (!fs::is_regular_file(path)) map.error("file", fmt::format("{}: there is no file {}", what, path));
    const std::string content = read_file(path);
    const std::string found = sha256(content);
    if (found != checksum) {
      fail("{}: {}: found checksum {} ({} bytes), expected {}: the file was changed or damaged", path, what, found,
           content.size(), checksum);
    }
    const NpyArray npy = decode_npy(content, fmt::format("{}: {}", path, what));
    const ArrayShape shape(listed.begin(), listed.end());
    const std::string needed_dtype = npy_descr(DTypeOf<T>::value);
    if (npy_descr(npy.dtype) != dtype || npy.shape != shape) {
      fail("{}: {}: found {} {}, expected {} {} as {} says", path, what, npy_descr(npy.dtype), shape_string(npy.shape),
           dtype, shape_string(shape), kNetworkFile);
    }
    if (dtype != needed_dtype || shape != expected) {
      fail("{}: {}: found {} {}, expected {} {} as the layer needs", path, what, dtype, shape_string(shape),
           needed_dtype, shape_string(expected));
    }
    const auto values = npy.as<T>();
    array.assign(values.begin(), values.end());
  }

  fs::path folder_;
  Network network_;
  std::map<std::string, int> tensors_;
};

}  // namespace

Network read(const fs::path& folder) {
  return Reader(folder).read();
}

}  // namespace shiftsim::qnet
