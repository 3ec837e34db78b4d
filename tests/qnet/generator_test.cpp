// The random networks reach what they are for: every feature of the contract, with outputs that are not all clamped.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "qnet/bounds.h"
#include "tests/qnet/random_network.h"
#include "tests/qnet/reference.h"

namespace shiftsim::qnet {
namespace {

TEST(RandomNetwork, CoversTheContract) {
  std::map<std::string, int> seen;
  int varied = 0, outputs = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Network network = random_network(seed);  // validates
    const std::vector<std::uint8_t> image = random_images(network, 1, 8);
    const auto tensors = reference::run(network, image.data());
    for (const Layer& layer : network.layers) {
      const Tensor& in = network.in(layer);
      const Tensor& out = network.out(layer);
      ++seen[to_string(layer.kind)];
      ++seen[to_string(layer.activation)];
      seen["asymmetric"] += layer.pad_top != layer.pad_bottom;
      seen["dilated"] += layer.dilation_h > 1;
      seen["strided"] += layer.stride_w > 1;
      seen["pad values"] += !layer.pad_values.empty();
      seen["signed input"] += in.is_signed;
      seen["output bits " + std::to_string(out.bits)] += 1;
      seen["channel exponents"] += in.exponents.size() > 1;
      const bool depthwise = layer.kind == LayerKind::kConv && is_depthwise(layer.groups, in.channels);
      seen["depthwise"] += depthwise;
      seen["multiplier"] += depthwise && out.channels > in.channels;
      seen["depthwise offset"] += depthwise && layer.has_offset();
      seen["grouped"] += layer.groups > 1 && !depthwise;
      seen["offsets"] += layer.has_offset();
      if (layer.kind == LayerKind::kConv) seen["weight bits " + std::to_string(layer.weight_bits)] += 1;
      seen["residual"] += layer.residual >= 0;
      seen["table behind a residual"] += layer.has_table() && layer.residual >= 0;
      seen["table of codes from 0"] += layer.has_table() && layer.lo == 0;
      seen["table to signed codes"] += layer.has_table() && out.is_signed;
      seen["table to unsigned codes"] += layer.has_table() && !out.is_signed;
      for (const int s : layer.residual_shifts) seen[s < 0 ? "residual right" : "residual left"] += 1;
      for (const int n : layer.shifts) seen[n > 0 ? "shift right" : "shift left"] += 1;
      const LayerBounds b = bounds(network, layer);
      EXPECT_LE(b.accumulator.bits(), 24);
      const auto& codes = tensors[static_cast<std::size_t>(layer.output)];
      outputs += 1;
      varied += std::set(codes.begin(), codes.end()).size() > 2 ? 1 : 0;
    }
  }
  for (const char* feature : {"conv",
                              "max_pool",
                              "sum_pool",
                              "none",
                              "relu",
                              "relu6",
                              "asymmetric",
                              "dilated",
                              "strided",
                              "pad values",
                              "signed input",
                              "output bits 2",
                              "output bits 4",
                              "output bits 8",
                              "channel exponents",
                              "depthwise",
                              "multiplier",
                              "depthwise offset",
                              "grouped",
                              "offsets",
                              "weight bits 2",
                              "weight bits 4",
                              "weight bits 8",
                              "residual",
                              "residual right",
                              "residual left",
                              "shift right",
                              "shift left",
                              "table",
                              "table behind a residual",
                              "table of codes from 0",
                              "table to signed codes",
                              "table to unsigned codes"}) {
    EXPECT_GE(seen[feature], 10) << feature;
  }
  EXPECT_GT(varied, outputs / 3) << "of " << outputs;
  RecordProperty("varied_percent", 100 * varied / outputs);
}

TEST(RandomNetwork, TheSameSeedGivesTheSameNetwork) {
  const Network a = random_network(7), b = random_network(7);
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) EXPECT_EQ(a.layers[i].weights, b.layers[i].weights);
}

TEST(RandomNetwork, OptionsAreKept) {
  RandomNetworkOptions options;
  options.depthwise = options.grouped = options.max_pool = options.sum_pool = options.offsets = options.residuals =
      false;
  options.signed_activations = options.relu6 = options.pad_values = options.channel_exponents = options.views = false;
  options.weight_bits = {2};
  options.activation_bits = {4};
  options.acc_bits = 14;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Network network = random_network(seed, options);
    for (const Layer& layer : network.layers) {
      EXPECT_EQ(layer.kind, LayerKind::kConv);
      EXPECT_FALSE(layer.has_offset());
      EXPECT_EQ(layer.groups, 1);
      EXPECT_EQ(layer.residual, -1);
      EXPECT_EQ(layer.weight_bits, 2);
      EXPECT_TRUE(layer.pad_values.empty());
      EXPECT_LE(bounds(network, layer).accumulator.bits(), 14);
    }
  }
}

}  // namespace
}  // namespace shiftsim::qnet
