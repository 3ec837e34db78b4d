// The netlist of the smallest core computes what the golden reference does.
#include "tests/rtl/netlist.h"

namespace shiftsim::sim {
namespace {

TEST(StandardCells, AreInstalledWhereDebianHasThem) {
  const std::string policy = process_output({"apt-cache", "policy", "qflow-tech-osu018"});
  if (policy.find("Candidate: ") == std::string::npos || policy.find("Candidate: (none)") != std::string::npos)
    GTEST_SKIP() << "apt knows no qflow-tech-osu018";
  EXPECT_TRUE(std::filesystem::is_regular_file(kCells)) << "run scripts/setup";
}

TEST_F(Netlist, OfTheSmallestCoreGivesTheGoldenBits) {
  AcceleratorConfig accelerator = make_accelerator(4, 4, 4, 1);
  accelerator.command_queue_depth = 1;
  qnet::RandomNetworkOptions options;
  options.layers = 4;
  options.max_size = 5;
  options.max_channels = 6;
  synthesize(accelerator);
  if (HasFatalFailure()) return;
  compare(accelerator, qnet::random_network(1, options), 0);
  compare(accelerator, qnet::random_network(3, options), 1);
}

}  // namespace
}  // namespace shiftsim::sim
