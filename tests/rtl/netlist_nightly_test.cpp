// The netlist of a larger core, and more networks: minutes.
#include <nlohmann/json.hpp>

#include "tests/rtl/netlist.h"

namespace shiftsim::sim {
namespace {

TEST_F(Netlist, OfFourPixelsEightChannelsFourLanesGivesTheGoldenBits) {
  const AcceleratorConfig accelerator = make_accelerator(16, 8, 4, 4);
  qnet::RandomNetworkOptions options;
  options.layers = 4;
  options.max_size = 6;
  options.max_channels = 12;
  options.tables = false;
  synthesize(accelerator);
  if (HasFatalFailure()) return;
  // Small ones: Icarus does ten cycles a second of these gates.
  for (const std::uint64_t seed : {3u, 8u, 9u, 11u}) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    compare(accelerator, qnet::random_network(seed, options), static_cast<int>(seed % 2));
  }
}

/// What the inventory's gates are fitted to is what scripts/synthesize gives today.
TEST_F(Netlist, IsTheRecordedOne) {
  const auto read = [](const std::filesystem::path& file) {
    std::ifstream stream(file);
    return nlohmann::json::parse(stream);
  };
  const std::filesystem::path source = SHIFTSIM_SOURCE_DIR;
  const nlohmann::json record = read(source / "tests/data/synthesis_osu018.json");
  run({source / "scripts/synthesize", "3x7x2", "--ppu-lanes", "3", "--accumulator-bits", "20", "--queue-depth", "5",
       "--no-path", "--json", folder_ / "result.json"});
  if (HasFatalFailure()) return;
  const nlohmann::json result = read(folder_ / "result.json");
  if (result["yosys"] != record["yosys"]) GTEST_SKIP() << "the record is of Yosys " << record["yosys"];
  ASSERT_GT(result["modules"].size(), 10u);
  for (const nlohmann::json& module : result["modules"])
    EXPECT_NEAR(module["nand2"], record["runs"]["3x7x2"]["modules"][module["module"].get<std::string>()], 0.01)
        << module["module"];
}

}  // namespace
}  // namespace shiftsim::sim
