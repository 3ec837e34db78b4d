// .qnet folders: what is written is read back, and what is damaged is refused with a message that says why.
#include "qnet/io.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>
#include <tuple>

#include <unistd.h>

#include "common/error.h"
#include "common/hash.h"
#include "common/npy.h"
#include "common/read_file.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::qnet {
namespace {

namespace fs = std::filesystem;

void expect_same(const Network& a, const Network& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.input_spec.mean, b.input_spec.mean);
  EXPECT_EQ(a.input_spec.std_dev, b.input_spec.std_dev);
  EXPECT_EQ(a.input_spec.scale, b.input_spec.scale);
  const Provenance &p = a.provenance, &q = b.provenance;
  EXPECT_EQ(std::tie(p.tool, p.recipe, p.recipe_hash, p.model, p.model_hash, p.calibration, p.seed,
                     p.calibration_images, p.method, p.float_accuracy, p.float_accuracy_images),
            std::tie(q.tool, q.recipe, q.recipe_hash, q.model, q.model_hash, q.calibration, q.seed,
                     q.calibration_images, q.method, q.float_accuracy, q.float_accuracy_images));
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const Tensor &s = a.tensors[i], &t = b.tensors[i];
    EXPECT_EQ(std::tie(s.name, s.height, s.width, s.channels, s.bits, s.is_signed, s.exponents),
              std::tie(t.name, t.height, t.width, t.channels, t.bits, t.is_signed, t.exponents));
  }
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    const Layer &s = a.layers[i], &t = b.layers[i];
    EXPECT_EQ(std::tie(s.name, s.kind, s.input, s.residual, s.output, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w,
                       s.dilation_h, s.dilation_w, s.pad_top, s.pad_left, s.pad_bottom, s.pad_right, s.groups,
                       s.activation, s.lo, s.table_exponent, s.table, s.channels, s.view.crop_top, s.view.crop_left,
                       s.view.upsample_h, s.view.upsample_w, s.view.join),
              std::tie(t.name, t.kind, t.input, t.residual, t.output, t.kernel_h, t.kernel_w, t.stride_h, t.stride_w,
                       t.dilation_h, t.dilation_w, t.pad_top, t.pad_left, t.pad_bottom, t.pad_right, t.groups,
                       t.activation, t.lo, t.table_exponent, t.table, t.channels, t.view.crop_top, t.view.crop_left,
                       t.view.upsample_h, t.view.upsample_w, t.view.join));
    if (s.kind == LayerKind::kConv) {
      EXPECT_EQ(s.weight_bits, t.weight_bits);
    }
    EXPECT_EQ(
        std::tie(s.weights, s.weight_exponents, s.offsets, s.bias, s.shifts, s.residual_shifts, s.hi, s.pad_values),
        std::tie(t.weights, t.weight_exponents, t.offsets, t.bias, t.shifts, t.residual_shifts, t.hi, t.pad_values));
  }
}

class Io : public testing::Test {
protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() / fmt::format("shiftsim_io_{}_{}", test->name(), ::getpid());
    fs::remove_all(root_);
    fs::create_directories(root_);
    folder_ = root_ / "net.qnet";
  }
  void TearDown() override { fs::remove_all(root_); }

  /// A written network whose first layer is a convolution.
  Network written() {
    RandomNetworkOptions options;
    options.layers = 2;
    const Network network = random_layer_network(1, RandomLayerKind::kConv, options);
    write(network, folder_);
    return network;
  }
  void expect_refused(const std::vector<std::string>& words) {
    try {
      read(folder_);
      ADD_FAILURE() << "was read";
    } catch (const UserError& error) {
      for (const std::string& word : words) {
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << word << " is not in: " << error.what();
      }
    }
  }
  fs::path array_file(const std::string& array) const {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().filename().string().find("." + array + ".npy") != std::string::npos &&
          entry.path().filename().string().starts_with("000")) {
        return entry.path();
      }
    }
    throw std::runtime_error("no array " + array);
  }
  static void put(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  /// Replaces the first occurrence in network.yaml.
  void edit(const std::string& from, const std::string& to) {
    std::string yaml = read_file(folder_ / "network.yaml");
    const std::size_t at = yaml.find(from);
    ASSERT_NE(at, std::string::npos) << from << " is not in\n" << yaml;
    put(folder_ / "network.yaml", yaml.replace(at, from.size(), to));
  }
  /// Replaces an array of the first layer and its checksum, so that only the content is wrong.
  void replace_array(const std::string& array, const std::string& content) {
    const fs::path path = array_file(array);
    edit(sha256_file(path), sha256(content));
    put(path, content);
  }

  fs::path root_, folder_;
};

TEST_F(Io, RoundTrip) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Network network = random_network(seed);
    network.provenance.tool = "quantrun 0.1: \"quotes\", #hash, {braces}";
    network.provenance.recipe = "line\nbreak and \xc3\xa4";
    network.provenance.model = "null";
    network.provenance.method = "true";
    network.provenance.float_accuracy = 94.17;
    write(network, folder_);
    expect_same(read(folder_), network);
  }
}

TEST_F(Io, WritingTheSameNetworkTwiceGivesTheSameFiles) {
  const Network network = written();
  const std::string first = read_file(folder_ / "network.yaml");
  write(read(folder_), folder_);
  EXPECT_EQ(read_file(folder_ / "network.yaml"), first);
  for (const auto& entry : fs::directory_iterator(root_)) EXPECT_EQ(entry.path(), folder_);  // nothing left behind
}

TEST_F(Io, WriteRefusesToReplaceAnotherFolder) {
  fs::create_directories(folder_);
  put(folder_ / "thesis.tex", "years of work");
  EXPECT_THROW(write(random_network(1), folder_), UserError);
  EXPECT_EQ(read_file(folder_ / "thesis.tex"), "years of work");
}

TEST_F(Io, WriteRefusesAnInvalidNetwork) {
  Network network = random_network(1);
  network.layers[0].bias.pop_back();
  EXPECT_THROW(write(network, folder_), UserError);
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(Io, MissingFolderAndMissingYaml) {
  expect_refused({folder_.string(), "no such"});
  fs::create_directories(folder_);
  expect_refused({"network.yaml", "cannot be read"});
}

TEST_F(Io, AnyFlippedByteIsAChecksumError) {
  written();
  for (const char* array : {"weights", "bias", "shifts", "hi", "offsets", "weight_exponents"}) {
    const fs::path path = array_file(array);
    const std::string good = read_file(path);
    for (const std::size_t at : {std::size_t{0}, std::size_t{20}, good.size() - 1}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x10);
      put(path, bad);
      expect_refused({path.string(), array, "checksum", sha256(good), sha256(bad)});
    }
    put(path, good);
  }
  read(folder_);
}

TEST_F(Io, TruncatedArray) {
  written();
  const fs::path path = array_file("weights");
  const std::string good = read_file(path);
  put(path, good.substr(0, good.size() - 1));
  expect_refused({"checksum", fmt::format("{} bytes", good.size() - 1)});
  put(path, good);
  replace_array("weights", good.substr(0, good.size() - 1));  // with a checksum that agrees
  expect_refused({"weights", "bytes of data"});
}

TEST_F(Io, MissingArray) {
  written();
  fs::remove(array_file("bias"));
  expect_refused({"network.yaml:", "arrays.bias.file", "there is no file"});
}

TEST_F(Io, ArrayOfAnotherShapeOrType) {
  const Network network = written();
  const Layer& layer = network.layers[0];
  const std::vector<std::size_t> shape{layer.bias.size() + 1};
  const std::vector<std::int32_t> bias(layer.bias.size() + 1);
  replace_array("bias", encode_npy(DType::kInt32, shape, bias.data()));
  expect_refused({"bias", "found", shape_string(shape), "as network.yaml says"});

  written();
  const std::vector<std::size_t> right{layer.bias.size()};
  replace_array("bias", encode_npy(DType::kInt16, right, bias.data()));
  expect_refused({"bias", "found <i2", "expected <i4"});

  written();
  edit(fmt::format("dtype: <i4, shape: [{}]", layer.bias.size()),
       fmt::format("dtype: <i2, shape: [{}]", layer.bias.size()));
  replace_array("bias", encode_npy(DType::kInt16, right, bias.data()));
  expect_refused({"bias", "found <i2", "expected <i4", "as the layer needs"});
}

TEST_F(Io, WrongVersionAndFormat) {
  written();
  edit("version: 1", "version: 2");
  expect_refused({"network.yaml:3", "version 2", "expected 1"});
  written();
  edit("format: qnet", "format: onnx");
  expect_refused({"format", "onnx", "qnet"});
}

TEST_F(Io, UnknownMissingAndRepeatedKeys) {
  written();
  edit("weight_bits:", "weight_bist:");
  expect_refused({"network.yaml:", "weight_bits", "missing"});
  written();
  edit("activation:", "colour: red\n    activation:");
  expect_refused({"network.yaml:", "colour", "unknown key"});
  written();
  edit("activation:", "lo: 0\n    activation:");
  expect_refused({"network.yaml:", "lo", "twice"});
  written();
  edit("{file: 000", "{extra: 1, file: 000");
  expect_refused({"extra", "unknown key"});
}

TEST_F(Io, NamesThatAreNoUtf8) {
  const Network network = written();
  edit("name: " + network.layers[0].name, "name: conv\xff");
  expect_refused({"network.yaml:", "name", "conv?", "UTF-8"});
}

TEST_F(Io, ValuesOutOfRange) {
  written();
  edit("kernel: [", "kernel: [0, ");
  expect_refused({"kernel", "2 integers"});
  written();
  edit("bits: 8", "bits: 5");
  expect_refused({"image"});
  written();
  edit("input: image", "input: imgae");
  expect_refused({"imgae", "did you mean 'image'"});
  written();
  edit("file: 000", "file: ../000");
  expect_refused({"file", "expected the name of a file in the folder"});
  written();
  edit("tensors:", "tensors: [");
  expect_refused({"network.yaml:", "malformed"});
}

}  // namespace
}  // namespace shiftsim::qnet
