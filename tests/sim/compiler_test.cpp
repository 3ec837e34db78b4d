// The compiler's parts against numbers worked out by hand.
#include "sim/compiler/compiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "common/error.h"
#include "sim/compiler/command_events.h"
#include "sim/compiler/layer_view.h"
#include "sim/compiler/output_stationary.h"
#include "sim/compiler/read_bursts.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/random_accelerator.h"

namespace shiftsim::sim {
namespace {

/// A 3x3 convolution with padding 1: 8x8x32 codes of 4 bits to 8x8x32 of 4 bits, 4-bit weights.
qnet::Network one_conv() {
  qnet::Network network;
  network.tensors = {{"in", 8, 8, 32, 4}, {"out", 8, 8, 32, 4}};
  qnet::Layer layer;
  layer.name = "conv";
  layer.input = 0;
  layer.output = 1;
  layer.kernel_h = layer.kernel_w = 3;
  layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = 1;
  layer.weight_bits = 4;
  layer.weights.assign(32 * 9 * 32, 1);
  layer.weight_exponents.assign(32, 0);
  layer.offsets.assign(32, 0);
  layer.bias.assign(32, 0);
  layer.shifts.assign(32, 8);
  layer.hi.assign(32, 15);
  network.layers = {layer};
  return network;
}

TEST(Cost, TheLongestOfArrayLoadUnitAndDram) {
  Workload w;
  w.compute_cycles = 1000;
  w.load_cycles = 558;
  w.lead_cycles = 115;
  w.tail_cycles = 27;
  w.events.dram_read_bytes = 3424;
  w.events.dram_write_bytes = 320;
  AcceleratorConfig accelerator;
  accelerator.dram.bytes_per_cycle = 8;
  accelerator.dram.latency_cycles = 60;
  EXPECT_DOUBLE_EQ(cost(w, accelerator).cycles, 60 + 115 + 1000 + 27) << "the array is the longest";
  EXPECT_DOUBLE_EQ(cost(w, accelerator).dram_bytes, 3744);
  w.compute_cycles = 400;
  EXPECT_DOUBLE_EQ(cost(w, accelerator).cycles, 60 + 558 + 27) << "the load unit is the longest";
  accelerator.dram.bytes_per_cycle = 4;
  EXPECT_DOUBLE_EQ(cost(w, accelerator).cycles, 60 + 3744 / 4) << "DRAM is the longest";
  w.events.l2_read_bytes = 2000;
  accelerator.l2.bytes_per_cycle = 2;
  EXPECT_DOUBLE_EQ(cost(w, accelerator).cycles, 60 + 2000 / 2) << "the second-level buffer is the longest";
}

/// All that a layer's program asks for, but for what values and timing decide: counted from the commands themselves.
Events events_of_program(const LayerTask& task, const Mapping& mapping) {
  Program program;
  program.geometry = task.geometry;
  program.dram = task.dram;
  ProgramBuilder builder(program, /*contents=*/false);
  builder.begin_layer(task.index, task.layer().name);
  OutputStationaryMapper().emit(task, mapping, builder);
  Events events = command_events(program, task.network.layers.size())[static_cast<std::size_t>(task.index)];
  for (const ReadProgram& read : program.reads)
    add_read(program.level_of(read), read_bytes(read, task.network, program.dram), program.dram.burst_bytes(), events);
  return events;
}

TEST(OutputStationary, WorkloadOfALayerByHand) {
  // P = 4, N = 16, L = 4, Q = 8: two channel tiles, two words a pixel, 9 taps x 8 sub-blocks = 72 steps, two planes.
  const qnet::Network network = one_conv();
  const AcceleratorConfig accelerator = make_accelerator(16, 16);
  const DramLayout dram = layout_of(network, accelerator);
  const LayerTask task = make_task(network, accelerator, 0, dram);
  const OutputStationaryMapper mapper;
  Mapping mapping;
  mapping.tiling = measure_tiling(task.view, task.geometry, 4, 8);
  mapping.block = 1;
  const Workload w = mapper.workload(task, mapping);
  // Two places x two channel tiles, each 1 + 8 pixels a slot x 144.
  EXPECT_DOUBLE_EQ(w.compute_cycles, 4 * (1 + 8 * 144));
  // The PPU's 4 x 2 beats, then 32 words, which take as long as their 256 bytes or longer.
  EXPECT_DOUBLE_EQ(w.tail_cycles, 4 * 2 + 32);
  // Activations: 6 rows x 10 columns x 2 words, twice. 144 words of weights and 2 of tables, four times.
  EXPECT_EQ(w.events.load_words, 2 * 120 + 4 * 144 + 4 * 2);
  // 5 of the 6 rows lie in the tensor: 5 x 8 x 8 = 320 bytes a block, two blocks. The upper tile's begin with the
  // tensor, the lower one's at byte 192. Weights of 16 bytes a word; two words of 56 bytes are two bursts.
  EXPECT_EQ(w.events.dram_read_bytes, 2 * 2 * 320 + 4 * 144 * 16 + 4 * 128);
  EXPECT_EQ(w.events.dram_write_bytes, 4 * 32 * 8);
  EXPECT_EQ(w.events.out_read_words, 4 * 32);

  mapping.weights_outer = true;
  const Workload outer = mapper.workload(task, mapping);
  EXPECT_EQ(outer.events.load_words, 4 * 120 + 2 * 144 + 2 * 2)
      << "each weight once, activations for each block of weights";
  mapping.held = 2;
  EXPECT_EQ(mapper.workload(task, mapping).events.load_words, 2 * 120 + 2 * 144 + 2 * 2) << "both blocks are held";
  mapping.weights_outer = false;
  EXPECT_EQ(mapper.workload(task, mapping).events.load_words, 2 * 120 + 2 * 144 + 2 * 2) << "both tiles are held";
}

TEST(OutputStationary, WorkloadsCountWhatTheProgramsDo) {
  int mappings = 0, stacked = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const qnet::Network network = qnet::random_network(seed);
    const AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    const DramLayout dram = layout_of(network, accelerator, 1 + static_cast<int>(seed % 4));
    const OutputStationaryMapper mapper;
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      if (network.layers[i].is_view()) continue;
      const LayerTask task = make_task(network, accelerator, static_cast<int>(i), dram);
      int candidate = 0;
      const auto check = [&](const Mapping& mapping, const Workload& workload) {
        if (candidate++ % 7 != 0 || mapping.k_split) return;  // a split reduction is estimated
        ++mappings;
        stacked += task.images(mapping.tiling) > 1;
        SCOPED_TRACE(fmt::format("seed {}, layer {}, tile {}x{}, block {}, weights outer {}, held {}", seed, i,
                                 mapping.tiling.rows, mapping.tiling.cols, mapping.block, mapping.weights_outer,
                                 mapping.held));
        Events expected = events_of_program(task, mapping), actual = workload.events;
        // Bursts depend on addresses; estimates take the middle for all. Of pixels that a view repeats, some places
        // read twice as many as others.
        const bool views = dram.sources().is_view(network.layers[i].input) ||
                           (network.layers[i].residual >= 0 && dram.sources().is_view(network.layers[i].residual));
        const double tolerance = views ? 0.8 : 0.35;
        for (std::int64_t Events::*bytes : {&Events::dram_read_bytes, &Events::l2_read_bytes})
          EXPECT_NEAR(static_cast<double>(actual.*bytes), static_cast<double>(expected.*bytes),
                      tolerance * static_cast<double>(expected.*bytes) + 512);
        // Blocks of weights may be uneven.
        EXPECT_NEAR(static_cast<double>(actual.weight_write_words), static_cast<double>(expected.weight_write_words),
                    0.5 * static_cast<double>(expected.weight_write_words));
        for (std::int64_t Events::*member :
             {&Events::dram_read_bytes, &Events::dram_write_bytes, &Events::dram_bursts, &Events::l2_read_bytes,
              &Events::l2_write_bytes, &Events::weight_write_words, &Events::table_write_words, &Events::load_words}) {
          expected.*member = 0;
          actual.*member = 0;
        }
        EXPECT_EQ(actual, expected);
      };
      try {
        mapper.visit_candidates(task, {}, check);
      } catch (const UserError&) {
        continue;  // its random scratchpads are too small
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(mappings, 500);
  EXPECT_GT(stacked, 20) << "tiles with pixels of several images";
}

TEST(OutputStationary, EveryCandidateFitsAndTheCheapestIsTaken) {
  const qnet::Network network = one_conv();
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.scratchpad.output_kib = 1;  // 32 pixels of 16 bytes in each half: at most 4 of 8 rows
  const DramLayout dram = layout_of(network, accelerator);
  const LayerTask task = make_task(network, accelerator, 0, dram);
  double least = std::numeric_limits<double>::infinity();
  int most_pixels = 0;
  OutputStationaryMapper().visit_candidates(task, {}, [&](const Mapping& mapping, const Workload& workload) {
    EXPECT_TRUE(fits(task.view, task.geometry, mapping.tiling, false));
    least = std::min(least, cost(workload, accelerator).cycles);
    most_pixels = std::max(most_pixels, mapping.tiling.pixels());
  });
  EXPECT_EQ(most_pixels, 32);
  const LayerPlan plan = compile(network, accelerator).plans[0];
  EXPECT_EQ(plan.mapped.estimate.cycles, least);
  EXPECT_EQ(plan.mapper, "output_stationary");
}

/// The contract allows kernels of up to 1,024; a command's fields hold 255.
/// Radix-4 digits of a depthwise weight that its offset widens to 2q + c: those that the largest needs, up to five.
TEST(LayerView, DepthwiseWeightsWithOffsetsTakeTheDigitsOfTheLargest) {
  const Geometry geometry = geometry_of(make_accelerator(8, 8));
  const auto planes = [&](int bits, int weight, int offset) {
    qnet::Network network = one_conv();
    qnet::Layer& layer = network.layers[0];
    layer.groups = 32;
    layer.weight_bits = bits;
    layer.weights.assign(32 * 9, 0);
    layer.weights.back() = static_cast<std::int8_t>(weight);
    layer.offsets.back() = static_cast<std::int8_t>(offset);
    return view_layer(network, layer, geometry).planes;
  };
  EXPECT_EQ(planes(8, 127, 7), 5) << "261";
  EXPECT_EQ(planes(8, -128, -8), 5) << "-264";
  EXPECT_EQ(planes(8, 64, -1), 4) << "127";
  EXPECT_EQ(planes(8, 64, 1), 5) << "129";
  EXPECT_EQ(planes(4, 7, 7), 3) << "21";
  EXPECT_EQ(planes(2, -2, -8), 3) << "-12";
  EXPECT_EQ(planes(2, 1, 1), 2) << "3";
  EXPECT_EQ(planes(8, 127, 0), 4) << "no offset: not widened";
}

TEST(Program, RefusesWhatNoCommandCanHold) {
  qnet::Network network = one_conv();
  network.tensors[0].width = 300;
  network.tensors[0].channels = network.tensors[1].channels = 1;
  network.tensors[1].width = 1;
  qnet::Layer& layer = network.layers[0];
  layer.name = "wide";
  layer.kernel_h = 1;
  layer.kernel_w = 300;
  layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = 0;
  layer.kind = qnet::LayerKind::kSumPool;
  layer.weights.clear();
  AcceleratorConfig accelerator = make_accelerator(8, 8);
  try {
    compile(network, accelerator);
    FAIL() << "compiled";
  } catch (const UserError& error) {
    for (const char* part : {"layer wide", "kernel", "kx_n is 300", "255"})
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Program, WeightsStandOnceHoweverOftenTheyAreLoaded) {
  const qnet::Network network = one_conv();
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.scratchpad.output_kib = 1;
  accelerator.scratchpad.weight_kib = 12;  // 144 words fit a half once, not twice: a block is one channel tile
  const DramLayout dram = layout_of(network, accelerator);
  const LayerTask task = make_task(network, accelerator, 0, dram);
  Mapping mapping;
  mapping.tiling = measure_tiling(task.view, task.geometry, 4, 8);
  const Program program = compile(network, accelerator, {{mapping, {}}});
  ASSERT_EQ(program.plans[0].channel_tiles, 2);
  int loads = 0;
  for (const LoadCommand& load : program.loads.commands) loads += load.target == Target::kWgt;
  ASSERT_GT(loads, 2) << "no weight is loaded twice: the test does not test";
  // Each channel tile: 144 words of 16 bytes, and two beats of a table of 8 x 7 bytes.
  EXPECT_EQ(program.image.size(), 2U * (144 * 16 + 2 * 56));
  std::map<std::size_t, std::uint64_t> addresses;
  for (const ReadProgram& read : program.reads) {
    if (read.kind != ReadProgram::Kind::kWords) continue;
    const auto [place, added] = addresses.emplace(read.offset, read.address);
    EXPECT_EQ(place->second, read.address);
  }
  EXPECT_EQ(addresses.size(), 4U);
}

/// A second-level buffer keeps what is loaded again: it comes from DRAM once, and is copied on the way.
TEST(Program, WeightsThatAreLoadedAgainComeFromTheSecondLevelBuffer) {
  qnet::Network network = one_conv();
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.scratchpad.output_kib = 1;
  accelerator.scratchpad.weight_kib = 12;
  accelerator.l2 = {64, 16, 4};
  const DramLayout dram = layout_of(network, accelerator);
  ASSERT_GT(dram.weight_room(0).bytes, 0);
  const LayerTask task = make_task(network, accelerator, 0, dram);
  Mapping mapping;
  mapping.tiling = measure_tiling(task.view, task.geometry, 4, 8);
  const auto loads_of = [&](const Mapping& chosen) {
    const Program program = compile(network, accelerator, {{chosen, {}}});
    std::map<std::size_t, int> from_dram, from_l2;
    for (const ReadProgram& read : program.reads) {
      if (read.kind != ReadProgram::Kind::kWords) continue;
      ++(read.level == MemoryLevel::kL2 ? from_l2 : from_dram)[read.offset];
      EXPECT_TRUE(read.level == MemoryLevel::kDram || from_dram.contains(read.offset)) << "it was copied before";
      if (read.copy) {
        EXPECT_GE(*read.copy, dram.weight_room(0).address);
        EXPECT_LT(*read.copy, dram.weight_room(0).address + static_cast<std::uint64_t>(dram.weight_room(0).bytes));
      }
      EXPECT_EQ(read.level == MemoryLevel::kDram && !chosen.weights_outer, read.copy.has_value());
    }
    for (const auto& [offset, count] : from_dram) EXPECT_EQ(count, 1);
    return from_l2;
  };
  EXPECT_EQ(loads_of(mapping).size(), 4u) << "two channel tiles with a table each";
  mapping.weights_outer = true;
  EXPECT_TRUE(loads_of(mapping).empty()) << "each weight is loaded once: nothing is copied";
}

TEST(Program, WeightsSplitAlongTheReductionStandOnce) {
  qnet::Network network = one_conv();
  network.layers[0].weight_bits = 8;
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.scratchpad.weight_kib = 2;  // 42 words of 128 bits with 64 carries in each half, of 288 of a channel tile
  const Program program = compile(network, accelerator);
  const LayerPlan& plan = program.plans[0];
  ASSERT_TRUE(plan.mapped.mapping.k_split);
  // Two channel tiles: 4 planes of 72 words of 16 bytes, and two beats of a table of 8 x 7 bytes.
  EXPECT_EQ(program.image.size(), 2U * (4 * 72 * 16 + 2 * 56));
  std::int64_t words = 0;
  std::uint64_t end = 0;
  for (const ReadProgram& read : program.reads) {
    if (read.kind != ReadProgram::Kind::kWords || read.word_bytes != 16) continue;
    words += read.count;
    end = std::max(end, read.address + 16U * static_cast<unsigned>(read.first + read.count));
  }
  // For every tile the first plane once, and every other plane with the one before it and by itself.
  EXPECT_EQ(words, plan.tiles * (1 + 3 * 2) * 72);
  EXPECT_LE(end, program.dram.size());
}

}  // namespace
}  // namespace shiftsim::sim
