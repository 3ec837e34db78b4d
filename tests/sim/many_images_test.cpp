// Several images on several machines, one a process: the same totals at any number.
#include <gtest/gtest.h>

#include "sim/engine/engine.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::sim {
namespace {

RunResult run(const qnet::Network& network, const ImageSet& images, Fidelity fidelity, int threads, int batch) {
  RunConfig config;
  config.technology = SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml";
  config.accelerator = make_accelerator(8, 8);
  config.accelerator.array.activation_tables = qnet::has_tables(network);
  config.fidelity = fidelity;
  config.image_count = static_cast<int>(images.count);
  config.threads = threads;
  config.batch = batch;
  return make_engine({config, network, {}})->run(images);
}

/// 'images' in batches of 'batch'.
void expect_same_totals(std::size_t count, int batch) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    ImageSet images;
    images.count = count;
    images.height = static_cast<std::size_t>(network.input().height);
    images.width = static_cast<std::size_t>(network.input().width);
    images.channels = static_cast<std::size_t>(network.input().channels);
    images.pixels = qnet::random_images(network, images.count, seed);
    const auto run_with = [&](Fidelity fidelity, int threads) {
      return run(network, images, fidelity, threads, batch);
    };
    const RunResult one = run_with(Fidelity::kCycle, 1);
    EXPECT_EQ(one.values.images, static_cast<std::int64_t>(count));
    EXPECT_EQ(one.batch, batch);
    EXPECT_EQ(one.values.mismatches, 0);
    for (const RunResult& other :
         {run_with(Fidelity::kCycle, 2), run_with(Fidelity::kCycle, 7), run_with(Fidelity::kTransaction, 1)}) {
      EXPECT_EQ(other.cycles, one.cycles);
      EXPECT_EQ(other.images, one.images);
      ASSERT_EQ(other.layers.size(), one.layers.size());
      for (std::size_t i = 0; i < one.layers.size(); ++i) {
        EXPECT_EQ(other.layers[i].events, one.layers[i].events) << "layer " << i;
        EXPECT_EQ(other.layers[i].causes, one.layers[i].causes) << "layer " << i;
      }
    }
    EXPECT_EQ(run_with(Fidelity::kCycle, 3).values.values, one.values.values);
  }
}

TEST(ManyImages, GiveTheSameTotalsInAnyNumberOfProcesses) {
  expect_same_totals(5, 1);
}

TEST(ManyImages, AreDealtOutInBatches) {
  expect_same_totals(6, 2);
}

}  // namespace
}  // namespace shiftsim::sim
