// A network that is inconsistent is refused with a message that says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "common/error.h"
#include "qnet/network.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::qnet {
namespace {

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

/// image -> conv -> conv -> view of both, of different channels -> logits.
Network network_with_view() {
  for (std::uint64_t seed = 1;; ++seed) {
    RandomNetworkOptions options;
    options.layers = 3;
    Network network = random_network(seed, options);
    for (const Layer& layer : network.layers)
      if (layer.is_view()) {
        const bool joins = layer.residual > 0 && layer.view == ViewGeometry{};
        if (joins && network.in(layer).channels != network.tensors[static_cast<std::size_t>(layer.residual)].channels)
          return network;
        break;  // the view that is tested is the first one
      }
  }
}

TEST(Validate, NamesWhatIsWrongWithAView) {
  const auto view = [](Network& n) -> Layer& {
    for (Layer& layer : n.layers)
      if (layer.is_view()) return layer;
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
      {[&](Network& n) { view(n).view.upsample_h = n.out(view(n)).height + 1; }, "a multiple of"},
      {[&](Network& n) { view(n).view.upsample_w = 0; }, "upsample width: found 0"},
      {[&](Network& n) { view(n).residual = 0; }, "image"},
      {[&](Network& n) { view(n).view.crop_top = 1000; }, "left out in front"},
      {[&](Network& n) { view(n).view.crop_left = -1; }, "left out in front"},
      {[&](Network& n) { ++n.tensors[static_cast<std::size_t>(view(n).output)].width; }, "left out in front"},
      {[&](Network& n) { view(n).view.join = JoinAxis::kHeight; }, "found channels"},
      {[&](Network& n) {
         view(n).view.join = JoinAxis::kWidth;
         view(n).residual = -1;
       },
       "nothing is joined"},
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
