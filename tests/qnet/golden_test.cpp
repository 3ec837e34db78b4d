// The golden reference's fast path against the contract transcribed (reference.h), bit for bit.
#include "qnet/golden.h"

#include <array>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/qnet/random_network.h"
#include "tests/qnet/reference.h"

namespace shiftsim::qnet {
namespace {

reference::Codes wide(const std::vector<std::int32_t>& codes) {
  return {codes.begin(), codes.end()};
}

/// Every layer of a network on random codes, with every kind of kernel that this machine has.
void expect_layers_agree(const Network& network, std::uint64_t seed) {
  for (const SimdTarget target : simd_targets()) {
    SCOPED_TRACE(fmt::format("{}, seed {}, {} kernels", network.name, seed, to_string(target)));
    const Golden golden(network, target);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      const Layer& layer = network.layers[i];
      SCOPED_TRACE(layer.name);
      for (std::uint64_t round = 0; round < 3; ++round) {
        const std::vector<std::int32_t> input = random_codes(network.in(layer), seed * 10 + round);
        std::vector<std::int32_t> residual;
        if (layer.residual >= 0) {
          residual = random_codes(network.tensors[static_cast<std::size_t>(layer.residual)], seed * 10 + round + 5);
        }
        const reference::Codes expected = reference::run_layer(network, layer, wide(input), wide(residual));
        ASSERT_EQ(wide(golden.run_layer(i, input, residual)), expected);
      }
    }
  }
}

class RandomLayers : public testing::TestWithParam<RandomLayerKind> {};

TEST_P(RandomLayers, AgreeWithTheReference) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const Network network = random_layer_network(seed, GetParam());
    expect_layers_agree(network, seed);
    if (HasFatalFailure()) return;
  }
}

std::string kind_name(const testing::TestParamInfo<RandomLayerKind>& kind) {
  constexpr std::array names{"Conv", "Grouped", "Depthwise", "MaxPool", "SumPool", "Linear"};
  return names[static_cast<std::size_t>(kind.param)];
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomLayers,
                         testing::Values(RandomLayerKind::kConv, RandomLayerKind::kGrouped, RandomLayerKind::kDepthwise,
                                         RandomLayerKind::kMaxPool, RandomLayerKind::kSumPool,
                                         RandomLayerKind::kLinear),
                         kind_name);

TEST(WideLayers, ManyChannelsFillSeveralBlocks) {
  RandomNetworkOptions options;
  options.max_channels = 100;
  options.max_size = 6;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    expect_layers_agree(random_layer_network(seed, RandomLayerKind::kConv, options), seed);
    expect_layers_agree(random_layer_network(seed, RandomLayerKind::kGrouped, options), seed);
    expect_layers_agree(random_layer_network(seed, RandomLayerKind::kDepthwise, options), seed);
    if (HasFatalFailure()) return;
  }
}

TEST(RandomNetworks, RunTraceAndReferenceAgree) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Network network = random_network(seed);
    constexpr std::size_t kImages = 19;  // no multiple of a batch
    const std::vector<std::uint8_t> images = random_images(network, kImages, seed);
    std::vector<std::int32_t> expected;
    const std::size_t classes = network.output().size();
    for (std::size_t i = 0; i < kImages; ++i) {
      const auto tensors = reference::run(network, images.data() + i * network.input().size());
      expected.insert(expected.end(), tensors.back().begin(), tensors.back().end());
      SCOPED_TRACE(fmt::format("seed {}, image {}", seed, i));
      if (i >= 3) continue;
      const ImageTrace trace = Golden(network).trace(images.data() + i * network.input().size());
      ASSERT_EQ(trace.size(), tensors.size());
      for (std::size_t t = 0; t < trace.size(); ++t) ASSERT_EQ(wide(trace[t]), tensors[t]) << network.tensors[t].name;
    }
    for (const SimdTarget target : simd_targets()) {
      SCOPED_TRACE(fmt::format("seed {}, {} kernels", seed, to_string(target)));
      const Golden golden(network, target);
      for (const int threads : {1, 2, 3}) ASSERT_EQ(golden.run(images.data(), kImages, threads), expected);
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{17}}) {
        const std::vector<std::int32_t> some = golden.run(images.data(), count, 2);
        ASSERT_EQ(some,
                  std::vector<std::int32_t>(expected.begin(), expected.begin() + static_cast<long>(count * classes)));
      }
    }
  }
}

TEST(Golden, ProgressCountsEveryImageOnce) {
  const Network network = random_network(3);
  const std::vector<std::uint8_t> images = random_images(network, 50, 1);
  std::size_t last = 0;
  Golden(network).run(images.data(), 50, 2, [&](std::size_t done) {
    EXPECT_GT(done, last);
    last = done;
  });
  EXPECT_EQ(last, 50U);
}

TEST(Golden, AnExceptionFromProgressComesBack) {
  const Network network = random_network(3);
  const std::vector<std::uint8_t> images = random_images(network, 50, 1);
  EXPECT_THROW(Golden(network).run(images.data(), 50, 2, [](std::size_t) { throw std::runtime_error("stop"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace shiftsim::qnet
