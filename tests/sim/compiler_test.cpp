// The compiler's parts against numbers worked out by hand.
#include "sim/compiler/compiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "common/error.h"
#include "sim/compiler/output_stationary.h"

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

LayerTask task_of(const qnet::Network& network, const AcceleratorConfig& accelerator, const DramLayout& dram) {
  const Geometry g = geometry_of(accelerator);
  return {network, accelerator, g, 0, view_layer(network, network.layers[0], g), dram};
}

TEST(Cost, TheLongestOfArrayPortAndDramAndWhatOverlapsWithNone) {
  Workload w;
  w.compute_cycles = 1000;
  w.drain_cycles = 7;
  w.activations = {2, 100, 400, 5};
  w.weights = {3, 50, 800, 0};
  w.tables = {1, 8, 64, 0};
  w.residuals = {4, 10, 40, 0};
  w.stores = {4, 20, 80, 0};
  DramConfig dram;
  dram.bytes_per_cycle = 8;
  dram.latency_cycles = 60;
  // One transfer alone: activations max(100, 400/8) + 5 = 105, weights max(50, 100) = 100, tables 8, residuals 10,
  // stores
  // 20. Port: 2*105 + 3*100 + 8 + 4*10 = 558. DRAM: 800 + 2400 + 64 + 160 + 320 = 3744 bytes, 468 cycles. The array's
  // 1000 is the longest. Around it: latency 60, first activations 105, residual 10, drain 7, store 20.
  EXPECT_DOUBLE_EQ(cost(w, dram).cycles, 1000 + 60 + 105 + 10 + 7 + 20);
  EXPECT_DOUBLE_EQ(cost(w, dram).dram_bytes, 3744);
  w.compute_cycles = 540;
  EXPECT_DOUBLE_EQ(cost(w, dram).cycles, 558 + 202) << "the port is the longest";
  dram.bytes_per_cycle = 4;
  // Alone: 105, 200, 16, 10, 20. Port 866. DRAM 3744/4 = 936.
  EXPECT_DOUBLE_EQ(cost(w, dram).cycles, 936 + 202) << "DRAM is the longest";
}

TEST(OutputStationary, WorkloadOfALayerByHand) {
  // P = 4, N = 16, L = 4, Q = 8: two channel tiles, two words a pixel, 9 taps x 8 sub-blocks = 72 steps, two planes.
  const qnet::Network network = one_conv();
  const AcceleratorConfig accelerator = make_accelerator(16, 16);
  const DramLayout dram(network, accelerator.array.cols, accelerator.dram.burst_bytes);
  const LayerTask task = task_of(network, accelerator, dram);
  const OutputStationaryMapper mapper;
  Mapping mapping;
  mapping.tiling = measure_tiling(task.view, task.geometry, 4, 8);
  mapping.block = 1;
  const Workload w = mapper.workload(task, mapping);
  // Two places x two channel tiles, each 2 + 8 pixels a slot x 144.
  EXPECT_DOUBLE_EQ(w.compute_cycles, 4 * (2 + 8 * 144));
  EXPECT_DOUBLE_EQ(w.drain_cycles, 4 * 2);
  // 6 rows x 10 columns x 2 words of 16 codes of 4 bits; both channel tiles share them.
  EXPECT_DOUBLE_EQ(w.activations.count, 2);
  EXPECT_DOUBLE_EQ(w.activations.words, 120);
  // In the middle, that is the lower half, 5 rows of 8 columns lie in the tensor: 320 bytes a block, from row 3 on.
  // They begin at byte 192 and end at 512 of 512: 5 bursts of 64 bytes; the second block follows at 512.
  EXPECT_DOUBLE_EQ(w.activations.dram_bytes, 2 * 5 * 64);
  // 144 words of 128 bits, for each place and channel tile anew; with them two beats of 8 x 56 bits.
  EXPECT_DOUBLE_EQ(w.weights.count, 4);
  EXPECT_DOUBLE_EQ(w.weights.words, 144);
  EXPECT_DOUBLE_EQ(w.weights.dram_bytes, 144 * 16);
  EXPECT_DOUBLE_EQ(w.tables.count, 4);
  EXPECT_DOUBLE_EQ(w.tables.words, 2);
  EXPECT_DOUBLE_EQ(w.tables.dram_bytes, 128);
  EXPECT_DOUBLE_EQ(w.stores.count, 4);
  EXPECT_DOUBLE_EQ(w.stores.words, 32);
  EXPECT_DOUBLE_EQ(w.stores.dram_bytes, 32 * 8);
  EXPECT_DOUBLE_EQ(w.residuals.count, 0);

  mapping.weights_outer = true;
  const Workload outer = mapper.workload(task, mapping);
  EXPECT_DOUBLE_EQ(outer.weights.count, 2) << "each weight once";
  EXPECT_DOUBLE_EQ(outer.activations.count, 4) << "activations for each block of weights";
}

TEST(OutputStationary, EveryCandidateFitsAndTheCheapestIsTaken) {
  const qnet::Network network = one_conv();
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.scratchpad.output_kib = 1;  // 32 pixels of 16 bytes in each half: at most 4 of 8 rows
  const DramLayout dram(network, accelerator.array.cols, accelerator.dram.burst_bytes);
  const LayerTask task = task_of(network, accelerator, dram);
  const OutputStationaryMapper mapper;
  const std::vector<Mapping> candidates = mapper.candidates(task);
  double least = std::numeric_limits<double>::infinity();
  int most_pixels = 0;
  for (const Mapping& mapping : candidates) {
    EXPECT_TRUE(fits(task.view, task.geometry, mapping.tiling, false));
    least = std::min(least, cost(mapper.workload(task, mapping), accelerator.dram).cycles);
    most_pixels = std::max(most_pixels, mapping.tiling.pixels());
  }
  EXPECT_EQ(most_pixels, 32);
  const LayerPlan plan = compile(network, accelerator).plans[0];
  EXPECT_EQ(plan.estimate.cycles, least);
  EXPECT_EQ(plan.mapper, "output_stationary");
}

/// The contract allows kernels of up to 1,024; a command's fields hold 255.
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
  const Program program = compile(network, accelerator);
  ASSERT_EQ(program.plans[0].mapping.block, 1);
  ASSERT_EQ(program.plans[0].channel_tiles, 2);
  int loads = 0;
  for (const LoadCommand& load : program.loads.commands) loads += load.target == Target::kWgt;
  ASSERT_GT(loads, 2) << "no weight is loaded twice: the test does not test";
  // Each channel tile: 144 words of 16 bytes, and two beats of a table of 8 x 7 bytes.
  EXPECT_EQ(program.image.size(), 2U * (144 * 16 + 2 * 56));
  std::map<std::size_t, std::uint64_t> addresses;
  for (const ReadProgram& read : program.reads) {
    if (read.kind != ReadProgram::Kind::kWords) continue;
    const auto [place, added] = addresses.emplace(read.offset, read.dram_address);
    EXPECT_EQ(place->second, read.dram_address);
  }
  EXPECT_EQ(addresses.size(), 4U);
}

TEST(Program, WeightsSplitAlongTheReductionStandOnce) {
  qnet::Network network = one_conv();
  network.layers[0].weight_bits = 8;
  AcceleratorConfig accelerator = make_accelerator(16, 16);
  accelerator.scratchpad.weight_kib = 2;  // 42 words of 128 bits with 64 carries in each half, of 288 of a channel tile
  const Program program = compile(network, accelerator);
  const LayerPlan& plan = program.plans[0];
  ASSERT_TRUE(plan.mapping.k_split);
  // Two channel tiles: 4 planes of 72 words of 16 bytes, and two beats of a table of 8 x 7 bytes.
  EXPECT_EQ(program.image.size(), 2U * (4 * 72 * 16 + 2 * 56));
  std::int64_t words = 0;
  std::uint64_t end = 0;
  for (const ReadProgram& read : program.reads) {
    if (read.kind != ReadProgram::Kind::kWords || read.word_bytes != 16) continue;
    words += read.count;
    end = std::max(end, read.dram_address + 16U * static_cast<unsigned>(read.first + read.count));
  }
  // For every tile the first plane once, and every other plane with the one before it and by itself.
  EXPECT_EQ(words, plan.tiles * (1 + 3 * 2) * 72);
  EXPECT_LE(end, program.dram.size());
}

}  // namespace
}  // namespace shiftsim::sim
