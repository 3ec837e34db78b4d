// The search for mappings: what each objective promises, and that more hardware is never worse.
#include "sim/mapping/mapping_search.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/error.h"
#include "qnet/io.h"
#include "sim/compiler/compiler.h"
#include "sim/transaction/transaction_machine.h"
#include "tests/qnet/named_networks.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::sim {
namespace {

struct Totals {
  std::int64_t cycles = 0, dram_bytes = 0;
};

const Technology& technology() {
  static const Technology loaded = load_technology(SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml");
  return loaded;
}

Totals run(const qnet::Network& network, const RunConfig& config) {
  const std::vector<MappedLayer> mappings = find_mappings(network, config, technology(), 2);
  const Program program = compile(network, config.accelerator, mappings, Contents::kTimingOnly);
  TransactionMachine machine(network, program, config.accelerator.dram);
  machine.run(1);
  Totals totals;
  for (const Events& events : machine.events()) {
    totals.cycles += events.cycles;
    totals.dram_bytes += events.dram_read_bytes + events.dram_write_bytes;
  }
  return totals;
}

RunConfig config_of(Objective objective) {
  RunConfig config;
  config.accelerator = make_accelerator(16, 16, 4, 8);
  config.mapping.objective = objective;
  return config;
}

/// Bytes that reading and writing every tensor of every layer once takes, with its weights and tables.
double minimum_bytes(const qnet::Network& network, int block_channels) {
  const auto tensor_bytes = [&](int index) {
    const qnet::Tensor& t = network.tensors[static_cast<std::size_t>(index)];
    double pixel = 0;
    for (int c = 0; c < t.channels; c += block_channels)
      pixel += ceil_div(std::min(block_channels, t.channels - c) * t.bits, 8);
    return pixel * t.height * t.width;
  };
  double bytes = 0;
  for (const qnet::Layer& layer : network.layers) {
    bytes += tensor_bytes(layer.input) + tensor_bytes(layer.output);
    if (layer.residual >= 0) bytes += tensor_bytes(layer.residual);
    bytes += static_cast<double>(layer.weights.size()) * layer.weight_bits / 8 + 7.0 * network.out(layer).channels;
  }
  return bytes;
}

struct Target {
  const char* network;
  double most_traffic;       ///< of the minimum
  std::int64_t most_cycles;  ///< what the first mapper took, which looked at estimated cycles alone
};

class MappingTarget : public testing::TestWithParam<Target> {};

TEST_P(MappingTarget, TrafficNearTheMinimumWithoutMoreCycles) {
  const qnet::Network network = qnet::imagenet_network(GetParam().network);
  const Totals totals = run(network, config_of(Objective::kBalanced));
  EXPECT_LE(static_cast<double>(totals.dram_bytes), GetParam().most_traffic * minimum_bytes(network, 16));
  EXPECT_LE(totals.cycles, GetParam().most_cycles);
}

INSTANTIATE_TEST_SUITE_P(Networks, MappingTarget,
                         testing::Values(Target{"resnet18", 1.35, 8'872'520}, Target{"resnet50", 1.35, 18'267'800},
                                         Target{"mobilenet_v2", 1.15, 2'231'980}),
                         [](const auto& named) { return std::string(named.param.network); });

/// With 512 KiB on chip ResNet-18 moves its weights and little else; small networks read image and weights alone.
TEST(SecondLevelBuffer, KeepsTensorsOnChip) {
  RunConfig config = config_of(Objective::kBalanced);
  config.accelerator.l2.kib = 512;
  const qnet::Network resnet18 = qnet::imagenet_network("resnet18");
  EXPECT_LE(static_cast<double>(run(resnet18, config).dram_bytes), 0.65 * minimum_bytes(resnet18, 16));

  for (const char* name : {"resnet_w4a4", "mobilenet_w2a4"}) {
    const qnet::Network network = qnet::read(std::string(SHIFTSIM_PINNED_NETWORKS "/") + name + ".qnet");
    const Program program =
        compile(network, config.accelerator, find_mappings(network, config, technology(), 2), Contents::kTimingOnly);
    for (std::size_t t = 1; t + 1 < network.tensors.size(); ++t)
      EXPECT_EQ(program.dram.level(static_cast<int>(t)), MemoryLevel::kL2) << name << ", " << network.tensors[t].name;
    std::set<std::uint64_t> loaded;
    for (const ReadProgram& read : program.reads) {
      if (program.level_of(read) == MemoryLevel::kL2 || read.kind != ReadProgram::Kind::kWords) continue;
      EXPECT_TRUE(loaded.insert(read.address + static_cast<std::uint64_t>(read.first)).second)
          << name << " loads weights of layer " << network.layers[static_cast<std::size_t>(read.layer)].name
          << " again";
    }
  }
}

TEST(MappingSearch, EachObjectiveIsBestAtItsOwn) {
  const qnet::Network network = qnet::residual_network();
  const Totals cycles = run(network, config_of(Objective::kCycles));
  const Totals bytes = run(network, config_of(Objective::kDramBytes));
  for (const Objective objective : {Objective::kBalanced, Objective::kEnergy, Objective::kEdp}) {
    const Totals other = run(network, config_of(objective));
    EXPECT_LE(static_cast<double>(cycles.cycles), 1.001 * static_cast<double>(other.cycles));
    EXPECT_LE(static_cast<double>(bytes.dram_bytes), 1.001 * static_cast<double>(other.dram_bytes));
  }
  const Totals balanced = run(network, config_of(Objective::kBalanced));
  EXPECT_LE(static_cast<double>(balanced.cycles), 1.02 * static_cast<double>(cycles.cycles));
  EXPECT_LT(balanced.dram_bytes, cycles.dram_bytes);
}

TEST(MappingSearch, IsTheSameAtAnyNumberOfThreads) {
  const qnet::Network network = qnet::residual_network();
  const RunConfig config = config_of(Objective::kBalanced);
  const std::vector<MappedLayer> one = find_mappings(network, config, technology(), 1);
  const std::vector<MappedLayer> three = find_mappings(network, config, technology(), 3);
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].mapping, three[i].mapping) << "layer " << i;
    EXPECT_EQ(one[i].alone_cycles, three[i].alone_cycles) << "layer " << i;
  }
}

TEST(MappingSearch, TakesWhatTheUserFixes) {
  const qnet::Network network = qnet::residual_network();
  RunConfig config = config_of(Objective::kBalanced);
  const std::string name = network.layers[17].name;
  config.mapping.layers[name] = {2, 3, 2, "outputs", 1};
  const Mapping fixed = find_mappings(network, config, technology(), 1)[17].mapping;
  EXPECT_EQ(fixed.tiling.rows, 2);
  EXPECT_EQ(fixed.tiling.cols, 3);
  EXPECT_EQ(fixed.block, 2);
  EXPECT_FALSE(fixed.weights_outer);
  EXPECT_EQ(fixed.held, 1);
  config.mapping.layers[name] = {};
  config.mapping.layers[name].block = 100;
  EXPECT_THROW(find_mappings(network, config, technology(), 1), UserError) << "all channel tiles are no such block";
  config.mapping.layers.clear();
  config.mapping.layers["layer99"] = {};
  try {
    find_mappings(network, config, technology(), 1);
    FAIL() << "a layer that the network does not have";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("no layer 'layer99'"), std::string::npos) << error.what();
  }
}

TEST(MappingSearch, TwinsMayBeFixedInTwoWays) {
  const qnet::Network network = qnet::residual_network();
  RunConfig config = config_of(Objective::kBalanced);
  config.accelerator = make_accelerator(8, 8);  // two channel tiles in the first stage
  config.mapping.layers[network.layers[2].name] = {4, 14, 1, "outputs", 1};
  config.mapping.layers[network.layers[4].name] = {4, 14, 1, "weights", 1};
  const std::vector<MappedLayer> found = find_mappings(network, config, technology(), 1);
  EXPECT_FALSE(found[2].mapping.weights_outer);
  EXPECT_TRUE(found[4].mapping.weights_outer);
}

/// One thing of which an accelerator has ever more.
struct Axis {
  const char* name;
  std::vector<int> values;  ///< from poor to rich
  std::function<void(AcceleratorConfig&, int)> set;
};

const std::vector<Axis>& axes() {
  static const std::vector<Axis> all = {
      {"weight_kib", {24, 48, 96, 192, 384}, [](auto& a, int v) { a.scratchpad.weight_kib = v; }},
      {"activation_kib", {64, 128, 256, 512}, [](auto& a, int v) { a.scratchpad.activation_kib = v; }},
      {"output_kib", {8, 16, 32, 64}, [](auto& a, int v) { a.scratchpad.output_kib = v; }},
      {"residual_kib", {8, 16, 32, 64}, [](auto& a, int v) { a.scratchpad.residual_kib = v; }},
      {"table_kib", {4, 8, 16, 32}, [](auto& a, int v) { a.scratchpad.table_kib = v; }},
      {"command_queue_depth", {1, 2, 4, 8}, [](auto& a, int v) { a.command_queue_depth = v; }},
      {"bytes_per_cycle", {2, 4, 8, 16, 32}, [](auto& a, int v) { a.dram.bytes_per_cycle = v; }},
      {"latency_cycles", {240, 120, 60, 30}, [](auto& a, int v) { a.dram.latency_cycles = v; }},
  };
  return all;
}

struct Promise {
  Objective objective;
  const char* name;
  double cycles, dram_bytes;  ///< times as much as the poorer has, at most; 0: no promise
};

class MoreIsNeverWorse : public testing::TestWithParam<const char*> {};

TEST_P(MoreIsNeverWorse, OnEveryAxis) {
  const std::string name = GetParam();
  const qnet::Network network =
      name == "resnet18" ? qnet::imagenet_network(name) : qnet::read(SHIFTSIM_PINNED_NETWORKS "/" + name + ".qnet");
  for (const Promise& promise :
       {Promise{Objective::kCycles, "cycles", 1.001, 0}, Promise{Objective::kBalanced, "balanced", 1.02, 0},
        Promise{Objective::kDramBytes, "dram_bytes", 0, 1.001}})
    for (const Axis& axis : axes()) {
      Totals poorer;
      for (const int value : axis.values) {
        RunConfig config = config_of(promise.objective);
        axis.set(config.accelerator, value);
        const Totals totals = run(network, config);
        const std::string where = fmt::format("objective {}, {} {}", promise.name, axis.name, value);
        if (poorer.cycles > 0 && promise.cycles > 0) {
          EXPECT_LE(static_cast<double>(totals.cycles), promise.cycles * static_cast<double>(poorer.cycles)) << where;
        }
        if (poorer.cycles > 0 && promise.dram_bytes > 0) {
          EXPECT_LE(static_cast<double>(totals.dram_bytes), promise.dram_bytes * static_cast<double>(poorer.dram_bytes))
              << where;
        }
        poorer = totals;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, MoreIsNeverWorse, testing::Values("resnet_w4a4", "mobilenet_w2a4", "resnet18"),
                         [](const auto& named) { return std::string(named.param); });

}  // namespace
}  // namespace shiftsim::sim
