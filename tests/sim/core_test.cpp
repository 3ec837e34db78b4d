// The SystemC core against the golden reference: random networks on random accelerators; seeds are printed on failure.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/qnet/random_network.h"
#include "tests/sim/machine.h"

namespace shiftsim::sim {
namespace {

TEST(Core, RandomNetworksOnRandomAcceleratorsGiveTheGoldenBits) {
  int ran = 0;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    // Two batches of one image, or one of two to four.
    const int batch = seed % 2 == 0 ? 1 : 2 + static_cast<int>(seed / 2 % 3);
    const std::size_t count = batch == 1 ? 2 : static_cast<std::size_t>(batch);
    const Outcome outcome =
        run_machine(network, random_accelerator(seed), qnet::random_images(network, count, seed), count, {}, batch);
    ran += outcome.fits;
    if (HasFailure()) break;
  }
  EXPECT_GE(ran, 60) << "too few of the random accelerators were large enough";
}

TEST(Core, EveryKindOfLayer) {
  using Kind = qnet::RandomLayerKind;
  for (const Kind kind :
       {Kind::kConv, Kind::kGrouped, Kind::kDepthwise, Kind::kMaxPool, Kind::kSumPool, Kind::kLinear}) {
    int ran = 0;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + ", seed " + std::to_string(seed));
      const qnet::Network network = qnet::random_layer_network(seed, kind);
      ran += run_machine(network, random_accelerator(1000 + seed), qnet::random_images(network, 1, seed), 1).fits;
      if (HasFailure()) return;
    }
    EXPECT_GE(ran, 15);
  }
}

TEST(Core, WeightsThatDoNotFitAreSplitAlongTheReduction) {
  int split = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    qnet::RandomNetworkOptions options;
    options.weight_bits = {8};
    const qnet::Network network = qnet::random_network(seed, options);
    AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    accelerator.scratchpad = {16 * accelerator.array.pixels(), 1, 8, 4, 4};
    const Program program = compile(network, accelerator);
    for (const LayerPlan& plan : program.plans) split += plan.mapped.mapping.k_split;
    const int batch = 1 + static_cast<int>(seed % 3);
    const auto count = static_cast<std::size_t>(batch);
    run_machine(network, accelerator, qnet::random_images(network, count, seed), count, {}, batch);
    if (HasFailure()) return;
  }
  EXPECT_GT(split, 0) << "no layer was split: the test does not test";
}

TEST(Core, WindowsThatDoNotFitABankAreSplitToo) {
  int split = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    accelerator.scratchpad.activation_kib = accelerator.array.pixels();
    accelerator.array.activation_tables = true;
    const Program program = compile(network, accelerator);
    for (const LayerPlan& plan : program.plans) split += plan.mapped.mapping.act_split;
    const int batch = 1 + static_cast<int>(seed % 3);
    const auto count = static_cast<std::size_t>(batch);
    run_machine(network, accelerator, qnet::random_images(network, count, seed), count, {}, batch);
    if (HasFailure()) return;
  }
  EXPECT_GT(split, 0) << "no window was split: the test does not test";
}

TEST(Core, TilesAtTheEdgeFitTheActivationScratchpad) {
  // Found by transaction_nightly_test: a tile at the lower edge had slots that reach over more rows than the whole
  // tile's, and more words than a bank holds.
  constexpr std::uint64_t kSeed = 101936;
  const qnet::Network network = qnet::random_network(kSeed);
  EXPECT_TRUE(run_machine(network, random_accelerator(kSeed), qnet::random_images(network, 1, kSeed), 1).fits);
}

TEST(Core, CyclesDoNotDependOnValues) {
  const qnet::Network network = qnet::random_network(7);
  const AcceleratorConfig accelerator = make_accelerator(8, 8);
  std::vector<std::uint8_t> dark(network.input().size(), 0), bright(network.input().size(), 255);
  EXPECT_EQ(run_machine(network, accelerator, dark, 1).cycles, run_machine(network, accelerator, bright, 1).cycles);
}

/// T = 1 + seg * max(planes*steps, P*QB): the formula of docs/hardware.md as a third witness for the array's busy time.
TEST(Core, ArrayTimeIsTheFormulas) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_layer_network(seed, qnet::RandomLayerKind::kConv);
    const AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    Program program;
    try {
      program = compile(network, accelerator);
    } catch (const UserError&) {
      continue;
    }
    std::vector<std::int64_t> run(network.layers.size()), setup(network.layers.size());
    const Geometry& g = program.geometry;
    for (std::size_t i = 0; i < program.computes.commands.size(); ++i) {
      const ComputeCommand& c = program.computes.commands[i];
      const auto layer = static_cast<std::size_t>(program.computes.layers[i]);
      const int steps_per_tap =
          c.mode == Mode::kConv ? static_cast<int>((c.cw_n - 1) * static_cast<unsigned>(g.sub_blocks()) + c.sub_last)
                                : 1;
      run[layer] += static_cast<std::int64_t>(c.seg * c.planes * c.ky_n * c.kx_n) * steps_per_tap;
      ++setup[layer];
    }
    System system(network, program, accelerator.dram, {});
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, seed);
    system.run(image.data());
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
      EXPECT_EQ(system.core().causes()[l][static_cast<std::size_t>(Cause::kRun)], run[l]);
      EXPECT_EQ(system.core().causes()[l][static_cast<std::size_t>(Cause::kSetup)], setup[l]);
    }
  }
}

/// A COMPUTE command whose activations never come waits for ever. That must end, and soon.
TEST(Core, ADeadlockIsFound) {
  const qnet::Network network = qnet::random_layer_network(3, qnet::RandomLayerKind::kConv);
  const AcceleratorConfig accelerator = with_tables(make_accelerator(8, 8), network);
  Program program = compile(network, accelerator);
  const auto load = std::find_if(program.loads.commands.rbegin(), program.loads.commands.rend(),
                                 [](const LoadCommand& command) { return command.target == Target::kAct; });
  ASSERT_NE(load, program.loads.commands.rend());
  const auto at = program.loads.commands.rend() - load - 1;
  program.loads.commands.erase(program.loads.commands.begin() + at);
  program.loads.words.erase(program.loads.words.begin() + at);
  program.loads.layers.erase(program.loads.layers.begin() + at);
  System system(network, program, accelerator.dram, {});
  EXPECT_THROW(system.run(qnet::random_images(network, 1, 3).data()), InternalError);
  EXPECT_LT(system.core().cycle(), 250'000);
}

TEST(Core, RefusesTooNarrowAccumulators) {
  const qnet::Network network = qnet::random_layer_network(3, qnet::RandomLayerKind::kConv);
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.array.accumulator_bits = 8;
  try {
    compile(network, accelerator);
    FAIL() << "compiled";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("accumulator needs"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("layer "), std::string::npos) << error.what();
  }
}

TEST(Core, RefusesTablesWhereItHasNone) {
  std::uint64_t seed = 1;
  while (!qnet::has_tables(qnet::random_network(seed))) ++seed;
  const qnet::Network network = qnet::random_network(seed);
  try {
    compile(network, make_accelerator(16, 16));
    FAIL() << "compiled";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("layer "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("array.activation_tables: true"), std::string::npos) << error.what();
  }
}

/// Both halves are in use: a table is loaded while the layer before it computes through its own.
TEST(Core, ATableIsLoadedOnceForALayerAndBesideTheOneInUse) {
  int with_two = 0;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    const qnet::Network network = qnet::random_network(seed);
    const Program program = [&] {
      AcceleratorConfig accelerator = make_accelerator(8, 8);
      accelerator.array.activation_tables = true;
      return compile(network, accelerator);
    }();
    std::vector<int> loads(network.layers.size()), halves;
    for (std::size_t i = 0; i < program.loads.commands.size(); ++i) {
      if (!program.loads.commands[i].lut) continue;
      ++loads[static_cast<std::size_t>(program.loads.layers[i])];
      halves.push_back(program.loads.commands[i].half);
    }
    for (std::size_t layer = 0; layer < loads.size(); ++layer)
      EXPECT_EQ(loads[layer], network.layers[layer].has_table() ? 1 : 0) << "seed " << seed << ", layer " << layer;
    for (std::size_t i = 1; i < halves.size(); ++i) EXPECT_NE(halves[i], halves[i - 1]);
    with_two += halves.size() > 1;
  }
  EXPECT_GT(with_two, 5);
}

TEST(Core, SaysHowLargeTheScratchpadMustBe) {
  // A stem, whose windows of 7x7 pixels of 3 channels the DMA packs: 37 words of 4. Other windows would be split.
  qnet::Network network;
  network.tensors = {{"in", 8, 8, 3, 8}, {"out", 8, 8, 4, 4}};
  qnet::Layer layer;
  layer.name = "wide";
  layer.input = 0;
  layer.output = 1;
  layer.kernel_h = layer.kernel_w = 7;
  layer.weight_bits = 2;
  layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = 3;
  layer.weights.assign(4 * 49 * 3, 1);
  layer.weight_exponents.assign(4, 0);
  layer.offsets.assign(4, 0);
  layer.bias.assign(4, 0);
  layer.shifts.assign(4, 8);
  layer.hi.assign(4, 15);
  network.layers = {layer};
  AcceleratorConfig accelerator = make_accelerator(8, 4, 2);
  accelerator.scratchpad.activation_kib = 1;
  std::string message;
  try {
    compile(network, accelerator);
  } catch (const UserError& error) {
    message = error.what();
  }
  ASSERT_NE(message.find("layer wide"), std::string::npos) << message;
  ASSERT_NE(message.find("scratchpad.activation_kib"), std::string::npos) << message;
  const std::size_t at = message.rfind("at least ");
  ASSERT_NE(at, std::string::npos) << message;
  // What it says is enough, and less is not: 2 halves x 4 banks x 37 words x 4 bytes = 1.2 KiB.
  accelerator.scratchpad.activation_kib = std::stoi(message.substr(at + 9));
  EXPECT_EQ(accelerator.scratchpad.activation_kib, 2);
  EXPECT_NO_THROW(compile(network, accelerator));
  --accelerator.scratchpad.activation_kib;
  EXPECT_THROW(compile(network, accelerator), UserError);
}

}  // namespace
}  // namespace shiftsim::sim
