// The transaction machine against the SystemC one: every cycle, cause and event of every layer is equal, on random
// networks and accelerators; seeds are printed on failure.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/transaction/transaction_machine.h"
#include "sim/transaction/value_counts.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/machine.h"
#include "tests/sim/random_mapping.h"

namespace shiftsim::sim {

/// What the cycle engine counts, and what the transaction machine does, on the same images.
struct Counts {
  std::int64_t cycles = 0;
  std::vector<Events> events;
  std::vector<CauseCycles> causes;
};

inline Counts cycle_counts(const qnet::Network& network, const Program& program, const DramConfig& dram,
                           const ImageSet& images) {
  System system(network, program, dram, {});
  const auto batch = static_cast<std::size_t>(program.dram.batch());
  for (std::size_t i = 0; i < images.count; i += batch) system.run(images.image(i));
  Counts counts{system.core().cycle(), system.core().events(), system.core().causes()};
  for (std::size_t layer = 0; layer < counts.events.size(); ++layer)
    counts.events[layer] += system.dma().events()[layer];
  return counts;
}

inline Counts transaction_counts(const qnet::Network& network, const Program& program, const DramConfig& dram,
                                 const ImageSet& images) {
  TransactionMachine machine(network, program, dram);
  machine.run(static_cast<std::int64_t>(images.count) / program.dram.batch());
  Counts counts{machine.cycles(), machine.events(), machine.causes()};
  const std::vector<ValueCounts> values = count_values(network, images, images.count, 1);
  for (std::size_t layer = 0; layer < counts.events.size(); ++layer) {
    const qnet::Layer& of = network.layers[layer];
    if (of.is_view()) continue;
    add_values(view_layer(network, of, program.geometry), of.groups, values[layer], counts.events[layer]);
  }
  return counts;
}

inline void expect_equal(const qnet::Network& network, const Counts& expected, const Counts& actual) {
  EXPECT_EQ(actual.cycles, expected.cycles);
  for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
    const std::string where = "layer " + network.layers[layer].name + ", ";
    for (std::size_t cause = 0; cause < kCauses; ++cause)
      EXPECT_EQ(actual.causes[layer][cause], expected.causes[layer][cause]) << where << kCauseNames[cause];
    for (const EventField& field : kEventFields)
      EXPECT_EQ(actual.events[layer].*field.member, expected.events[layer].*field.member) << where << field.name;
  }
}

/// Both on 'count' images, whole batches of the program.
inline void compare(const qnet::Network& network, const AcceleratorConfig& accelerator, const Program& program,
                    std::size_t count, std::uint64_t seed) {
  const ImageSet images = images_of(network, count, seed);
  expect_equal(network, cycle_counts(network, program, accelerator.dram, images),
               transaction_counts(network, program, accelerator.dram, images));
}

/// The same with each layer in a mapping by chance, on 'batches' batches of 'batch' images. Returns the program; none
/// where the network does not fit.
inline std::optional<Program> compare_random_mappings(const qnet::Network& network,
                                                      const AcceleratorConfig& accelerator, std::size_t batches,
                                                      int batch, std::uint64_t seed) {
  std::vector<MappedLayer> mappings;
  try {
    mappings = random_mappings(network, accelerator, seed, batch);
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("too small"), std::string::npos) << error.what();
    return std::nullopt;
  }
  Program program = compile(network, accelerator, mappings, Contents::kFilled, batch);
  compare(network, accelerator, program, batches * static_cast<std::size_t>(batch), seed);
  return program;
}

/// A memory at the ends of its ranges as often as in the middle: bursts of a byte, buses wider than bursts, latencies
/// longer than layers.
inline DramConfig random_dram(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](const std::vector<int>& choices) { return choices[random() % choices.size()]; };
  return {pick({1, 2, 7, 60, 333, 3000}), pick({1, 2, 3, 5, 16, 64, 1000}), pick({1, 8, 24, 64, 100, 512, 4096})};
}

/// One in four seeds has a batch, of 2 to 4 images.
inline int random_batch(std::uint64_t seed) {
  return seed % 4 == 1 ? 2 + static_cast<int>(seed / 4 % 3) : 1;
}

/// So many random pairs of network and configuration; every third with an unusual memory, every fourth with a batch of
/// images. 'change': the accelerators.
/// 'least_copies': pairs in which weights are copied into the second-level buffer.
inline void compare_random(std::uint64_t first_seed, int pairs, int least_copies,
                           const std::function<void(AcceleratorConfig&)>& change = {}) {
  int ran = 0, with_copies = 0, with_batch = 0;
  for (std::uint64_t seed = first_seed; ran < pairs && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    if (seed % 3 == 0) accelerator.dram = random_dram(seed);
    if (change) change(accelerator);
    const int batch = random_batch(seed);
    try {
      const std::optional<Program> program = compare_random_mappings(network, accelerator, 1 + seed % 3, batch, seed);
      if (!program) continue;
      ++ran;
      with_batch += batch > 1;
      with_copies += std::ranges::any_of(program->reads, [](const ReadProgram& read) { return read.copy.has_value(); });
    } catch (const std::exception& error) {
      FAIL() << error.what();
    }
    ASSERT_LT(seed, first_seed + 10 * static_cast<std::uint64_t>(pairs)) << "too few accelerators are large enough";
  }
  EXPECT_GE(with_copies, least_copies);
  EXPECT_GE(with_batch, pairs / 6);
}

}  // namespace shiftsim::sim
