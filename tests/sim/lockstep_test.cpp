// SystemC core and Verilated RTL in lockstep: random networks at several geometries, and deliberate bugs that must be
// found.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "sim/config/mutants.h"
#include "sim/engine/engine.h"
#include "tests/common/temporary_folder.h"
#include "tests/qnet/random_network.h"
#include "tests/rtl/core_driver.h"
#include "tests/sim/machine.h"

namespace shiftsim::sim {
namespace {

struct Shape {
  int rows, cols, lanes, ppu_lanes;
  bool tables = false;
};

/// For GoogleTest's messages.
void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.rows << "x" << shape.cols << ", " << shape.lanes << " lanes, " << shape.ppu_lanes << " PPU lanes";
}

/// With activation tables where the accelerator has them.
qnet::Network network_for(const AcceleratorConfig& accelerator, std::uint64_t seed) {
  qnet::RandomNetworkOptions options;
  options.tables = accelerator.array.activation_tables;
  return qnet::random_network(seed, options);
}

/// Small scratchpads, so that layers need several tiles.
AcceleratorConfig small_accelerator(const Shape& shape) {
  AcceleratorConfig a = make_accelerator(shape.rows, shape.cols, shape.lanes, shape.ppu_lanes);
  a.scratchpad = {4 * a.array.pixels(), 6, 4, 2, 2};
  a.dram = {13, 5, 16};
  a.array.activation_tables = shape.tables;
  return a;
}

class Lockstep : public testing::TestWithParam<Shape> {};

TEST_P(Lockstep, RandomNetworksAgreeInEveryCycle) {
  const AcceleratorConfig accelerator = small_accelerator(GetParam());
  SystemOptions options;
  options.rtl = RtlLibrary::open(geometry_of(accelerator), {});
  int ran = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    options.seed = static_cast<std::uint32_t>(seed);
    const qnet::Network network = network_for(accelerator, seed);
    const int batch = seed % 3 == 0 ? 2 : 1;
    const auto count = static_cast<std::size_t>(batch);
    const Outcome outcome =
        run_machine(network, accelerator, qnet::random_images(network, count, seed), count, options, batch);
    ASSERT_EQ(outcome.difference, "");
    if (HasFailure()) return;
    if (!outcome.fits) continue;
    ++ran;
    // At least the eleven handshake and state ports in each cycle, and an accumulator for each value of each layer.
    std::int64_t accumulators = 0;
    for (const qnet::Layer& layer : network.layers)
      if (!layer.is_view()) accumulators += batch * static_cast<std::int64_t>(network.out(layer).size());
    EXPECT_GE(outcome.comparisons, 11 * outcome.cycles + outcome.accumulators);
    EXPECT_GE(outcome.accumulators, accumulators);
  }
  EXPECT_GE(ran, 20) << "too few networks fitted";
}

INSTANTIATE_TEST_SUITE_P(Geometries, Lockstep,
                         testing::Values(Shape{4, 4, 2, 3}, Shape{6, 5, 2, 5, true}, Shape{5, 7, 1, 2, true},
                                         Shape{8, 8, 4, 4, true}, Shape{9, 10, 3, 4}),
                         [](const auto& test) {
                           return "pe" + std::to_string(test.param.rows) + "x" + std::to_string(test.param.cols) + "l" +
                                  std::to_string(test.param.lanes);
                         });

const std::filesystem::path kMutants = SHIFTSIM_SOURCE_DIR "/tests/rtl/mutants/mutants.json";

nlohmann::json mutant_entry(const std::string& mutant) {
  std::ifstream file(kMutants);
  for (const nlohmann::json& entry : nlohmann::json::parse(file))
    if (entry.at("name") == mutant) return entry;
  ADD_FAILURE() << "no mutant " << mutant;
  return nlohmann::json::object();
}

/// Computes four output words, so that stores read nothing that was not written. A command at a time: without tokens
/// nothing else would make them wait for each other.
void write_outputs(test::CoreDriver& driver) {
  ComputeCommand compute;
  compute.seg = compute.m_tile = compute.tw = 4;
  LoadCommand load;
  load.seg = load.m_tile = load.tw = load.seg_x = 4;
  load.win_len = 1;
  for (const Target target : {Target::kAct, Target::kWgt, Target::kTab, Target::kRes}) {
    load.target = target;
    load.count = target == Target::kTab ? 2 : 1;
    load.dma_id = driver.AddRead(std::vector<test::Word>(load.count, driver.ReadWord()));
    driver.Load(load);
    EXPECT_TRUE(driver.Run(1000)) << "the core hangs";
  }
  driver.Compute(compute);
  EXPECT_TRUE(driver.Run(1000)) << "the core hangs";
}

/// Loads and stores on the RTL alone, every handshake held back at random, which the machine's DMA never does. Returns
/// the assertion that failed, or "".
std::string failure_when_held_back(const std::filesystem::path& library_file) {
  const test::CoreLibrary library(library_file.string());
  test::CoreDriver driver(library, 1);
  write_outputs(driver);
  for (int i = 0; i < 20; ++i) {
    LoadCommand load;
    load.target = Target::kTab;
    load.count = 1;
    load.dma_id = driver.AddRead({driver.ReadWord()});
    driver.Load(load);
    StoreCommand store;
    store.acquire = false;
    store.rel_out = false;
    store.count = 4;
    store.dma_id = static_cast<std::uint32_t>(i);
    driver.Store(store);
  }
  EXPECT_TRUE(driver.Run(100'000, 160)) << "the core hangs";
  return driver.Failure();
}

class Mutant : public testing::TestWithParam<std::string> {};

/// Three slots: with two, the walk over them never leaves a row.
TEST_P(Mutant, IsFound) {
  const nlohmann::json entry = mutant_entry(GetParam());
  const AcceleratorConfig accelerator = small_accelerator({6, 4, 2, 3, entry.value("tables", false)});
  SystemOptions options;
  // Of the RTL: what must find the mutant. Without it, any difference of the cores does.
  const std::string assertion = entry.value("assertion", "");
  options.rtl = RtlLibrary::open(geometry_of(accelerator), {false, GetParam()});
  if (entry.value("held_back", false)) {
    const RtlOptions mutant{false, GetParam()};
    EXPECT_NE(failure_when_held_back(rtl_library_path(geometry_of(accelerator), mutant)).find(assertion),
              std::string::npos);
    return;
  }
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const qnet::Network network = network_for(accelerator, seed);
    options.seed = static_cast<std::uint32_t>(seed);
    const Outcome outcome = run_machine(network, accelerator, qnet::random_images(network, 1, seed), 1, options);
    ASSERT_FALSE(HasFailure());
    if (outcome.difference.empty()) continue;
    // What breaks a contract may be seen at a port first; another network shows the assertion.
    if (outcome.difference.find(assertion) == std::string::npos) continue;
    RecordProperty("difference", outcome.difference);
    for (const char* part : {"cycle ", "expected ", "actual "})
      EXPECT_NE(outcome.difference.find(part), std::string::npos) << outcome.difference;
    return;
  }
  FAIL() << "30 random networks did not show the bug" << (assertion.empty() ? "" : " by the assertion " + assertion);
}

TEST(LockstepRtl, AssertionsHoldWhenHandshakesAreHeldBack) {
  const Geometry geometry = geometry_of(small_accelerator({4, 4, 2, 3}));
  static_cast<void>(RtlLibrary::open(geometry, {}));
  EXPECT_EQ(failure_when_held_back(rtl_library_path(geometry, {})), "");
}

/// Those that are found in every test, or all the others, nightly: each takes a build of the RTL. The former break one
/// thing of each kind: a product, a sum, the order of steps, a half, an address, a count, a contract.
std::vector<std::string> mutants(bool in_every_test) {
  std::vector<std::string> chosen;
  for (const std::string& name : mutant_names(kMutants))
    if (mutant_entry(name).value("in_every_test", false) == in_every_test) chosen.push_back(name);
  return chosen;
}

const auto kMutantName = [](const auto& test) { return test.param; };
INSTANTIATE_TEST_SUITE_P(OneAKind, Mutant, testing::ValuesIn(mutants(true)), kMutantName);
INSTANTIATE_TEST_SUITE_P(More, Mutant, testing::ValuesIn(mutants(false)), kMutantName);

class LockstepRun : public TemporaryFolder {};

TEST_F(LockstepRun, StopsAtTheFirstDifferenceAndLeavesAWaveform) {
  RunConfig config;
  config.technology = SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml";
  config.accelerator = small_accelerator({4, 4, 2, 3});
  const qnet::Network network = network_for(config.accelerator, 5);
  config.fidelity = Fidelity::kLockstep;
  config.lockstep.mutant = "ppu_shift_logical";
  config.lockstep.wave_cycles = 200;
  config.seed = 5;
  config.image_count = 2;
  const ImageSet images = images_of(network, 2, 5);
  const std::filesystem::path output = folder_ / "results";
  const RunResult result = make_engine({config, network, output})->run(images);
  EXPECT_EQ(result.lockstep.verdict, "fail");
  for (const char* part : {"cycle ", "layer ", "pixel (", "channel ", "expected ", "actual ", "(seed 5)"})
    EXPECT_NE(result.lockstep.difference.find(part), std::string::npos) << result.lockstep.difference;
  ASSERT_EQ(result.lockstep.waveform, (output / "lockstep.fst").string());
  EXPECT_GT(std::filesystem::file_size(output / "lockstep.fst"), 1000u);
  std::filesystem::remove_all(output);

  config.lockstep.mutant.clear();
  const RunResult good = make_engine({config, network, output})->run(images);
  EXPECT_EQ(good.lockstep.verdict, "pass") << good.lockstep.difference;
  EXPECT_EQ(good.values.images, 2);
  EXPECT_EQ(good.values.mismatches, 0);
  EXPECT_GT(good.lockstep.comparisons, good.cycles * 11);
  EXPECT_FALSE(std::filesystem::exists(output)) << "a run without a difference leaves no waveform";
}

}  // namespace
}  // namespace shiftsim::sim
