// Runs one network on one accelerator, SystemC core alone or in lockstep, and compares every tensor with the golden
// reference.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "common/images.h"
#include "qnet/golden.h"
#include "sim/compiler/compiler.h"
#include "sim/engine/system.h"
#include "tests/sim/random_accelerator.h"
#include "tests/sim/random_mapping.h"

namespace shiftsim::sim {

struct Outcome {
  bool fits = true;  ///< the scratchpads hold a tile of every layer
  std::int64_t cycles = 0, comparisons = 0, accumulators = 0;
  std::string difference;
};

/// Runs 'count' images, 'batch' of them together, each layer in a mapping by chance; values and cycle sums are checked
/// with EXPECT. The accelerator gets activation tables where the network needs them.
inline Outcome run_machine(const qnet::Network& network, const AcceleratorConfig& without,
                           const std::vector<std::uint8_t>& images, std::size_t count,
                           const SystemOptions& options = {}, int batch = 1) {
  const AcceleratorConfig accelerator = with_tables(without, network);
  Outcome outcome;
  Program program;
  try {
    const auto seed = static_cast<std::uint64_t>(network.provenance.seed);
    program =
        compile(network, accelerator, random_mappings(network, accelerator, seed, batch), Contents::kFilled, batch);
  } catch (const UserError& error) {
    // Only for the reason that the random scratchpads are small.
    EXPECT_NE(std::string(error.what()).find("too small"), std::string::npos) << error.what();
    outcome.fits = false;
    return outcome;
  }
  const qnet::Golden golden(network);
  System system(network, program, accelerator.dram, options);
  const auto image = [&](std::size_t i) { return images.data() + i * network.input().size(); };
  for (std::size_t first = 0; first < count; first += static_cast<std::size_t>(batch)) {
    if (!system.run(image(first))) {
      outcome.difference = system.scoreboard()->difference()->text();
      break;
    }
    for (int i = 0; i < batch; ++i) {
      const qnet::ImageTrace expected = golden.trace(image(first + static_cast<std::size_t>(i)));
      for (std::size_t t = 0; t < network.tensors.size(); ++t) {
        if (program.dram.sources().is_view(static_cast<int>(t))) continue;
        EXPECT_EQ(system.memory().values(static_cast<int>(t), i), expected[t])
            << "image " << first << " + " << i << ", tensor " << network.tensors[t].name;
      }
    }
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

/// Random images of a network.
inline ImageSet images_of(const qnet::Network& network, std::size_t count, std::uint64_t seed) {
  ImageSet images;
  images.height = network.input().height;
  images.width = network.input().width;
  images.channels = network.input().channels;
  images.count = count;
  images.pixels = qnet::random_images(network, count, seed);
  return images;
}

}  // namespace shiftsim::sim
