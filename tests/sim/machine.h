// Runs one network on one accelerator, SystemC core alone or in lockstep, and compares every tensor with the golden
// reference.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "common/error.h"
#include "qnet/golden.h"
#include "sim/compiler/compiler.h"
#include "sim/engine/system.h"

namespace shiftsim::sim {

/// A geometry of any size, not only powers of two, with scratchpads so small that most layers need several tiles.
inline AcceleratorConfig random_accelerator(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  AcceleratorConfig a;
  a.name = "random";
  a.array.cols = pick(4, 24);
  a.array.lanes = pick(1, std::min(6, a.array.cols));
  a.array.rows = a.array.lanes * pick(a.array.lanes == 1 ? 4 : 1, 8);
  if (a.array.rows < 4) a.array.rows = a.array.lanes * 4;
  a.array.ppu_lanes = pick(1, a.array.cols);
  const int pixels = a.array.pixels();
  a.scratchpad = {pick(1, 6) * pixels, pick(1, 12), pick(4, 8), pick(1, 3), pick(1, 3)};
  a.dram = {pick(1, 120), pick(1, 32), 8 << pick(0, 3)};
  a.command_queue_depth = pick(1, 8);
  return a;
}

struct Outcome {
  bool fits = true;  ///< the scratchpads hold a tile of every layer
  std::int64_t cycles = 0, comparisons = 0, accumulators = 0;
  std::string difference;
};

/// Runs 'count' images, one after the other; values and cycle sums are checked with EXPECT.
inline Outcome run_machine(const qnet::Network& network, const AcceleratorConfig& accelerator,
                           const std::vector<std::uint8_t>& images, std::size_t count,
                           const SystemOptions& options = {}) {
  Outcome outcome;
  Program program;
  try {
    program = compile(network, accelerator);
  } catch (const UserError& error) {
    // Only for the reason that the random scratchpads are small.
    EXPECT_NE(std::string(error.what()).find("too small"), std::string::npos) << error.what();
    outcome.fits = false;
    return outcome;
  }
  const qnet::Golden golden(network);
  System system(network, program, accelerator.dram, options);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* image = images.data() + i * network.input().size();
    if (!system.run(image)) {
      outcome.difference = system.scoreboard()->difference()->text();
      break;
    }
    const qnet::ImageTrace expected = golden.trace(image);
    for (std::size_t t = 0; t < network.tensors.size(); ++t)
      EXPECT_EQ(system.memory().values(static_cast<int>(t)), expected[t])
          << "image " << i << ", tensor " << network.tensors[t].name;
  }
  std::int64_t attributed = 0;
  for (const CauseCycles& causes : system.core().causes())
    for (const std::int64_t cycles : causes) attributed += cycles;
  EXPECT_EQ(attributed, system.core().cycle()) << "every cycle has one cause";
  outcome.cycles = system.core().cycle();
  if (const Scoreboard* board = system.scoreboard()) {
    outcome.comparisons = board->comparisons();
    outcome.accumulators = board->accumulator_comparisons();
    if (outcome.difference.empty()) {
      EXPECT_EQ(board->cycles(), outcome.cycles) << "every cycle is compared";
    }
  }
  return outcome;
}

}  // namespace shiftsim::sim
