#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/yaml.h"
#include "qnet/io.h"
#include "qnet/layer_arrays.h"

namespace shiftsim::qnet {
namespace {

namespace fs = std::filesystem;

/// A name for a file: what is not a letter, digit, '-' or '_' becomes '_'.
std::string file_stem(const std::string& name) {
  std::string stem = name;
  for (char& c : stem) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  constexpr std::size_t kLongest = 80;  // file systems stop at 255 bytes
  return stem.substr(0, kLongest);
}

/// A file of the temporary folder, which becomes a network as a whole.
void write_plain(const fs::path& path, const std::string& content) {
  std::ofstream stream(path, std::ios::binary);
  stream << content;
  stream.close();
  if (!stream) fail("{}: cannot be written: {}", path.string(), std::strerror(errno));
}

class Writer {
public:
  /// 'folder' empty: no arrays are written.
  Writer(const Network& network, const fs::path& folder) : network_(network), folder_(folder) {}

  /// Writes the arrays and returns network.yaml.
  std::string write() {
    out_ << YAML::BeginMap;
    pair("format", kFormatName);
    pair("version", kFormatVersion);
    pair("name", network_.name);
    write_input_spec();
    write_provenance();
    out_ << YAML::Newline << YAML::Key << "tensors" << YAML::Value << YAML::BeginSeq;
    for (const Tensor& tensor : network_.tensors) write_tensor(tensor);
    out_ << YAML::EndSeq;
    out_ << YAML::Newline << YAML::Key << "layers" << YAML::Value << YAML::BeginSeq;
    for (std::size_t i = 0; i < network_.layers.size(); ++i) write_layer(i);
    out_ << YAML::EndSeq << YAML::EndMap;
    SHIFTSIM_CHECK(out_.good(), "{}: {}", kNetworkFile, out_.GetLastError());
    return std::string("# A ShiftSim integer network; qnet/io.h documents every key.\n") + out_.c_str() + "\n";
  }

private:
  template <typename T>
  void pair(const char* key, const T& value) {
    out_ << YAML::Key << key << YAML::Value << value;
  }
  /// Doubles with as many digits as reading them back exactly needs, and no more.
  void pair(const char* key, double value) { pair(key, fmt::format("{}", value)); }
  template <typename T>
  void list(const char* key, const std::vector<T>& values) {
    out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
    for (const T& value : values) out_ << fmt::format("{}", value);
    out_ << YAML::EndSeq;
  }

  void write_input_spec() {
    out_ << YAML::Key << "input_spec" << YAML::Value << YAML::Flow << YAML::BeginMap;
    list("mean", network_.input_spec.mean);
    list("std", network_.input_spec.std_dev);
    pair("scale", network_.input_spec.scale);
    out_ << YAML::EndMap;
  }

  void write_provenance() {
    const Provenance& p = network_.provenance;
    out_ << YAML::Key << "provenance" << YAML::Value << YAML::BeginMap;
    pair("tool", p.tool);
    pair("recipe", p.recipe);
    pair("recipe_hash", p.recipe_hash);
    pair("model", p.model);
    pair("model_hash", p.model_hash);
    pair("calibration", p.calibration);
    pair("seed", p.seed);
    pair("calibration_images", p.calibration_images);
    pair("method", p.method);
    pair("float_accuracy", p.float_accuracy);
    pair("float_accuracy_images", p.float_accuracy_images);
    out_ << YAML::EndMap;
  }

  void write_tensor(const Tensor& tensor) {
    out_ << YAML::Flow << YAML::BeginMap;
    pair("name", tensor.name);
    list("shape", std::vector<int>{tensor.height, tensor.width, tensor.channels});
    pair("bits", tensor.bits);
    pair("signed", tensor.is_signed);
    list("exponents", tensor.exponents);
    out_ << YAML::EndMap;
  }

  void write_layer(std::size_t index) {
    const Layer& layer = network_.layers[index];
    auto name = [&](int tensor) { return network_.tensors[static_cast<std::size_t>(tensor)].name; };
    out_ << YAML::BeginMap;
    pair("name", layer.name);
    pair("kind", to_string(layer.kind));
    pair("input", name(layer.input));
    if (layer.residual >= 0) pair(layer.is_view() ? "joined" : "residual", name(layer.residual));
    pair("output", name(layer.output));
    if (layer.is_view())
      write_view(layer.view);
    else
      write_window(layer);
    write_arrays(layer, index);
    out_ << YAML::EndMap;
  }

  void write_view(const ViewGeometry& view) {
    if (view.joins_pixels()) pair("join", row_of(view.join).name);
    if (view.crop_top != 0 || view.crop_left != 0) list("crop", std::vector<int>{view.crop_top, view.crop_left});
    list("upsample", std::vector<int>{view.upsample_h, view.upsample_w});
  }

  void write_window(const Layer& layer) {
    list("kernel", std::vector<int>{layer.kernel_h, layer.kernel_w});
    list("stride", std::vector<int>{layer.stride_h, layer.stride_w});
    list("dilation", std::vector<int>{layer.dilation_h, layer.dilation_w});
    list("pad", std::vector<int>{layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right});
    if (row_of(layer.kind).has_weights) {
      pair("groups", layer.groups);
      pair("weight_bits", layer.weight_bits);
    }
    pair("activation", to_string(layer.activation));
    pair("lo", layer.lo);
    if (layer.has_table()) pair("table_exponent", layer.table_exponent);
  }

  void write_arrays(const Layer& layer, std::size_t index) {
    if (row_of(layer.kind).requantizes || layer.is_view()) {
      out_ << YAML::Key << "arrays" << YAML::Value << YAML::BeginMap;
      const bool last = index + 1 == network_.layers.size();
      for_each_array(
          network_, layer, last, [&](const char* what, const auto& array, const ArrayShape& shape, bool required) {
            if (required || !array.empty())
              write_array(fmt::format("{:03}_{}.{}.npy", index, file_stem(layer.name), what), what, array, shape);
          });
      out_ << YAML::EndMap;
    }
  }

  template <typename T>
  void write_array(const std::string& file, const char* what, const std::vector<T>& array, const ArrayShape& shape) {
    constexpr DType kType = DTypeOf<T>::value;
    const std::string content = encode_npy(kType, shape, array.data());
    if (!folder_.empty()) write_plain(folder_ / file, content);
    out_ << YAML::Key << what << YAML::Value << YAML::Flow << YAML::BeginMap;
    pair("file", file);
    pair("dtype", npy_descr(kType));
    list("shape", shape);
    pair("sha256", sha256(content));
    out_ << YAML::EndMap;
  }

  const Network& network_;
  fs::path folder_;
  YAML::Emitter out_;
};

}  // namespace

std::string content_hash(const Network& network) {
  return sha256(Writer(network, {}).write());
}

void write(const Network& network, const fs::path& folder) {
  validate(network, folder.string());
  if (fs::is_directory(folder) && !fs::is_empty(folder) && !fs::exists(folder / kNetworkFile)) {
    fail("{}: found a folder without {}, expected a network or nothing to replace", folder.string(), kNetworkFile);
  }
  AtomicFolder target(folder);
  const std::string yaml = Writer(network, target.temporary()).write();
  write_plain(target.temporary() / kNetworkFile, yaml);
  target.commit();
}

}  // namespace shiftsim::qnet
