// .qnet folders: what is written is read back, and what is damaged or inconsistent is refused with a message that says
// why.
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
                       s.activation, s.lo, s.table_exponent, s.table, s.channels, s.upsample_h, s.upsample_w),
              std::tie(t.name, t.kind, t.input, t.residual, t.output, t.kernel_h, t.kernel_w, t.stride_h, t.stride_w,
                       t.dilation_h, t.dilation_w, t.pad_top, t.pad_left, t.pad_bottom, t.pad_right, t.groups,
                       t.activation, t.lo, t.table_exponent, t.table, t.channels, t.upsample_h, t.upsample_w));
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

/// What validate says of a network after a change.
std::string complaint(const std::function<void(Network&)>& change, RandomLayerKind kind = RandomLayerKind::kConv) {
  RandomNetworkOptions options;
  options.pad_values = false;
  options.tables = false;
  Network network;
  // The first seed that gives the tested layer a residual and no extra layers between.
  for (std::uint64_t seed = 1;; ++seed) {
    network = random_layer_network(seed, kind, options);
    const Layer& layer = network.layers[layer_index(network, "tested")];
    if (kind != RandomLayerKind::kConv || (layer.residual > 0 && layer.output > 1)) break;
  }
  validate(network, "net");
  change(network);
  try {
    validate(network, "net");
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

Layer& tested(Network& network) {
  return network.layers[layer_index(network, "tested")];
}

TEST(Validate, NamesWhatIsWrong) {
  struct Case {
    std::function<void(Network&)> change;
    std::string expected;
  };
  const std::vector<Case> cases{
      {[](Network& n) { n.tensors.clear(); }, "without tensors"},
      {[](Network& n) { n.layers.clear(); }, "without layers"},
      {[](Network& n) { n.tensors[1].name = n.tensors[0].name; }, "another tensor"},
      {[](Network& n) { n.layers[1].name = n.layers[0].name; }, "another layer"},
      {[](Network& n) { n.tensors[1].bits = 3; }, "2, 4 or 8"},
      {[](Network& n) { n.tensors[1].height = 0; }, "height"},
      {[](Network& n) { n.tensors[1].exponents = {1, 2, 3, 4, 5, 6, 7}; }, "exponents"},
      {[](Network& n) { n.tensors[0].bits = 4; }, "network's input"},
      {[](Network& n) { n.tensors[0].exponents = {1}; }, "network's input"},
      {[](Network& n) { n.tensors.back().bits = 8; }, "logits"},
      {[](Network& n) { n.input_spec.std_dev = {0}; }, "input_spec"},
      {[](Network& n) {
         n.input_spec.mean = {0, 0, 0, 0, 0};
       },
       "input_spec"},
      {[](Network& n) { tested(n).input = 99; }, "input"},
      {[](Network& n) { tested(n).input = tested(n).output; }, "no layer before it writes"},
      {[](Network& n) { tested(n).output = 0; }, "network's input"},
      {[](Network& n) { n.tensors.insert(n.tensors.end(), {"extra"}); }, "no layer writes it"},
      {[](Network& n) { tested(n).stride_h = 0; }, "stride"},
      {[](Network& n) { tested(n).pad_top += 100; }, "expected"},
      {[](Network& n) { tested(n).groups = 0; }, "groups"},
      {[](Network& n) { tested(n).weight_bits = 3; }, "weight_bits"},
      {[](Network& n) { tested(n).weights.pop_back(); }, "weights: found"},
      {[](Network& n) {
         tested(n).weight_bits = 2;
         tested(n).weights[0] = 2;
       },
       "weights["},
      {[](Network& n) { tested(n).offsets[0] = 8; }, "offsets[0]: found 8"},
      {[](Network& n) { tested(n).bias.pop_back(); }, "bias: found"},
      {[](Network& n) { tested(n).shifts[0] ^= 1; }, "shifts[0]"},
      {[](Network& n) { tested(n).shifts[0] = 40; }, "shifts[0]: found 40"},
      {[](Network& n) { tested(n).weight_exponents[0] += 1; }, "shifts[0]"},
      {[](Network& n) { tested(n).residual_shifts[0] += 1; }, "residual_shifts[0]"},
      {[](Network& n) { tested(n).residual_shifts.clear(); }, "residual_shifts: found 0"},
      {[](Network& n) { tested(n).residual = -1; }, "residual_shifts"},
      {[](Network& n) { tested(n).hi[0] ^= 1; }, "hi[0]"},
      {[](Network& n) { tested(n).lo += 1; }, "lo: found"},
      {[](Network& n) { tested(n).pad_values = {1}; }, "pad_values"},
      {[](Network& n) {
         tested(n).activation = Activation::kNone;
         n.tensors[static_cast<std::size_t>(tested(n).output)].is_signed = false;
       },
       "found unsigned codes"},
      {[](Network& n) { n.layers.back().activation = Activation::kRelu; }, "activation"},
      {[](Network& n) { n.layers.back().hi.assign(n.layers.back().bias.size(), 1); }, "hi: found"},
      {[](Network& n) { n.tensors.back().exponents[0] -= 1; }, "shifts[0]"},
      {[](Network& n) {
         n.tensors.back().exponents[0] -= 1;
         for (auto& s : n.layers.back().shifts) s = static_cast<std::int8_t>(s - 1);
       },
       "smallest of the accumulators"},
      {[](Network& n) { tested(n).bias[0] = INT32_MAX; }, "32"},
      {[](Network& n) {
         n.layers.pop_back();
         n.tensors.pop_back();
       },
       "logits"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string found = complaint(cases[i].change);
    EXPECT_NE(found.find(cases[i].expected), std::string::npos)
        << "case " << i << ": " << cases[i].expected << " is not in: " << found;
    if (i > 1) {
      EXPECT_TRUE(found.starts_with("net: ")) << found;
    }
  }
}

/// image -> conv -> conv -> view of both -> logits.
Network network_with_view() {
  for (std::uint64_t seed = 1;; ++seed) {
    RandomNetworkOptions options;
    options.layers = 3;
    Network network = random_network(seed, options);
    for (const Layer& layer : network.layers)
      if (layer.is_view() && layer.residual > 0 && layer.upsample_h == 1) return network;
  }
}

TEST(Validate, NamesWhatIsWrongWithAView) {
  const auto view = [](Network& n) -> Layer& {
    for (Layer& layer : n.layers)
      if (layer.is_view() && layer.residual > 0) return layer;
    throw InternalError("no view");
  };
  struct Case {
    std::function<void(Network&)> change;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {[&](Network& n) { view(n).channels[0] = -1; }, "channels[0]: found -1"},
      {[&](Network& n) { view(n).channels[0] = 1000; }, "channels[0]: found 1000"},
      {[&](Network& n) { view(n).channels.pop_back(); }, "channels: found"},
      {[&](Network& n) { view(n).upsample_h = 2; }, "expected"},
      {[&](Network& n) { view(n).upsample_w = 0; }, "upsample width: found 0"},
      {[&](Network& n) { view(n).residual = 0; }, "image"},
      {[&](Network& n) {
         for (int& e : n.tensors[static_cast<std::size_t>(view(n).output)].exponents) ++e;
       },
       "found exponent"},
      {[&](Network& n) { n.tensors[static_cast<std::size_t>(view(n).output)].bits = 9; }, "bits: found 9"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Network network = network_with_view();
    cases[i].change(network);
    try {
      validate(network, "net");
      FAIL() << "case " << i << " passes";
    } catch (const UserError& error) {
      const std::string found = error.what();
      EXPECT_NE(found.find(cases[i].expected), std::string::npos) << "case " << i << ": " << found;
    }
  }
}

TEST(Validate, PoolingLayersHaveNoOtherArrays) {
  EXPECT_NE(complaint([](Network& n) { tested(n).hi = {1}; }, RandomLayerKind::kMaxPool).find("hi: found 1"),
            std::string::npos);
  EXPECT_NE(complaint([](Network& n) { tested(n).bias = {1}; }, RandomLayerKind::kMaxPool).find("bias"),
            std::string::npos);
  EXPECT_NE(complaint([](Network& n) { tested(n).groups = 2; }, RandomLayerKind::kSumPool)
                .find("groups: found 2 on a pooling layer, expected 1"),
            std::string::npos);
  EXPECT_NE(complaint([](Network& n) { tested(n).residual = 0; }, RandomLayerKind::kSumPool)
                .find("found one on a pooling layer, expected none"),
            std::string::npos);
  EXPECT_NE(complaint([](Network& n) { tested(n).shifts.clear(); }, RandomLayerKind::kSumPool).find("shifts"),
            std::string::npos);
}

/// What validate says of a table after a change; the layer that has it is given.
std::string complaint_of_table(bool is_signed, const std::function<void(Network&, Layer&)>& change) {
  for (std::uint64_t seed = 1;; ++seed) {
    Network network = random_network(seed);
    for (Layer& layer : network.layers) {
      const Tensor& output = network.out(layer);
      if (!layer.has_table() || output.bits != 4 || output.is_signed != is_signed) continue;
      change(network, layer);
      try {
        validate(network, "net");
      } catch (const UserError& error) {
        return error.what();
      }
      return "accepted";
    }
  }
}

TEST(Validate, TablesHoldCodesOfTheOutput) {
  struct Case {
    bool is_signed;
    std::function<void(Network&, Layer&)> change;
    std::string expected;
  };
  const std::vector<Case> cases{
      {true, [](Network&, Layer& l) { l.table[3] = 8; }, "table[3]: found 8, expected -8 to 7"},
      {true, [](Network&, Layer& l) { l.table[255] = 0xf7; }, "table[255]: found -9, expected -8 to 7"},
      {true, [](Network&, Layer& l) { l.table[255] = 0xf8; }, "accepted"},
      {false, [](Network&, Layer& l) { l.table[0] = 16; }, "table[0]: found 16, expected 0 to 15"},
      {false, [](Network&, Layer& l) { l.table.pop_back(); }, "table: found 255 elements, expected 256"},
      {false, [](Network&, Layer& l) { l.lo = -8; }, "lo: found -8, expected -128 or 0 in front of a table"},
      {false, [](Network&, Layer& l) { l.hi[0] ^= 1; }, "hi[0]: found"},
      {false, [](Network&, Layer& l) { ++l.table_exponent; }, "shifts[0]: found"},
      {false, [](Network&, Layer& l) { l.activation = Activation::kRelu; }, "found"},
      {false,
       [](Network& n, Layer& l) {
         Tensor& out = n.tensors[static_cast<std::size_t>(l.output)];
         out.exponents.assign(2, 0);
         out.exponents.resize(static_cast<std::size_t>(std::max(out.channels, 2)));
       },
       "exponent"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string found = complaint_of_table(cases[i].is_signed, cases[i].change);
    EXPECT_NE(found.find(cases[i].expected), std::string::npos) << "case " << i << ": " << found;
  }
}

/// Where 6 lies depends on what the channel was multiplied by: hi says it, and only the codes limit it.
TEST(Validate, Relu6sHiIsAnyCode) {
  // round(6 / 2^e): e = -2: 24, 0: 6, 1: 3, 2: 1.5 -> 2, 3: 0.75 -> 1; limited to the codes of 4 bits.
  const std::vector<std::pair<int, int>> cases{{-2, 15}, {-1, 12}, {0, 6}, {1, 3}, {2, 2}, {3, 1}};
  for (const auto& [exponent, hi] : cases) {
    Network network;
    network.tensors = {
        {"image", 1, 1, 1, 8, false, {0}}, {"a", 1, 1, 1, 4, false, {exponent}}, {"b", 1, 1, 1, 32, true, {exponent}}};
    Layer layer;
    layer.name = "first";
    layer.input = 0;
    layer.output = 1;
    layer.activation = Activation::kRelu6;
    layer.weights = {1};
    layer.weight_exponents = layer.offsets = {0};
    layer.bias = {0};
    layer.shifts = {static_cast<std::int8_t>(exponent)};
    layer.hi = {static_cast<std::uint8_t>(hi)};
    Layer last = layer;
    last.name = "last";
    last.input = 1;
    last.output = 2;
    last.activation = Activation::kNone;
    last.shifts = {0};
    last.hi.clear();
    network.layers = {layer, last};
    EXPECT_NO_THROW(validate(network, "net")) << exponent;
    network.layers[0].hi[0] = static_cast<std::uint8_t>(hi - 1);
    EXPECT_NO_THROW(validate(network, "net")) << exponent;
    network.layers[0].hi[0] = 16;
    EXPECT_THROW(validate(network, "net"), UserError) << exponent;
    network.layers[0].hi[0] = 14;
    network.layers[0].activation = Activation::kRelu;
    EXPECT_THROW(validate(network, "net"), UserError) << exponent;
  }
}

TEST(Validate, ChannelExponentsOnlyBeforeLayersThatKeepChannelsApart) {
  int split = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Network network = random_network(seed);  // valid with them
    for (const Tensor& tensor : network.tensors) split += tensor.exponents.size() > 1 ? 1 : 0;
  }
  EXPECT_GT(split, 10);
  const std::string found = complaint([](Network& n) {
    Tensor& input = n.tensors[static_cast<std::size_t>(tested(n).input)];
    input.exponents.assign(static_cast<std::size_t>(input.channels), input.exponents[0]);
    if (input.channels == 1) input.exponents.clear();
  });
  EXPECT_TRUE(found.find("sums over the channels") != std::string::npos || found.find("exponents") != std::string::npos)
      << found;
}

}  // namespace
}  // namespace shiftsim::qnet
