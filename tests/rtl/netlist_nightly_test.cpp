// The netlist of a larger core, and more networks: minutes.
#include "tests/rtl/netlist.h"

namespace shiftsim::sim {
namespace {

TEST_F(Netlist, OfFourPixelsEightChannelsFourLanesGivesTheGoldenBits) {
  const AcceleratorConfig accelerator = make_accelerator(16, 8, 4, 4);
  qnet::RandomNetworkOptions options;
  options.layers = 4;
  options.max_size = 6;
  options.max_channels = 12;
  synthesize(accelerator);
  if (HasFatalFailure()) return;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    compare(accelerator, qnet::random_network(seed, options), static_cast<int>(seed % 2));
  }
}

}  // namespace
}  // namespace shiftsim::sim
