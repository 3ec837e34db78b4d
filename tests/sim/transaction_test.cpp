// The transaction machine against the SystemC one: every cycle, cause and event of every layer is equal, on random
// networks and accelerators; seeds are printed on failure.
#include <gtest/gtest.h>

#include "sim/transaction/transaction_machine.h"
#include "sim/transaction/value_counts.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/machine.h"

namespace shiftsim::sim {
namespace {

/// Both machines on 'count' images. Returns whether the network fits the accelerator.
bool compare(const qnet::Network& network, const AcceleratorConfig& accelerator,
             const std::vector<std::uint8_t>& images, std::size_t count) {
  Program program;
  try {
    program = compile(network, accelerator);
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("too small"), std::string::npos) << error.what();
    return false;
  }
  System system(network, program, accelerator.dram, {});
  for (std::size_t i = 0; i < count; ++i) system.run(images.data() + i * network.input().size());
  TransactionMachine machine(network, program, accelerator.dram);
  machine.run(static_cast<std::int64_t>(count));
  EXPECT_EQ(machine.cycles(), system.core().cycle());
  const std::vector<Events> events = machine.events();
  for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
    for (std::size_t cause = 0; cause < kCauses; ++cause)
      EXPECT_EQ(machine.causes()[layer][cause], system.core().causes()[layer][cause])
          << "layer " << layer << ", cause " << kCauseNames[cause];
    Events expected = system.core().events()[layer];
    expected += system.dma().events()[layer];
    for (const EventField& field : kEventFields) {
      const std::string name = field.name;
      if (name == "mac_digit_adds_active" || name == "mac_digit_adds_gated" || name == "offset_column_adds") continue;
      EXPECT_EQ(events[layer].*field.member, expected.*field.member) << "layer " << layer << ", " << name;
    }
  }
  return true;
}

TEST(Transaction, EqualsTheCycleEngineOnRandomNetworks) {
  int ran = 0;
  for (std::uint64_t seed = 1; seed <= 100 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    ran += compare(network, random_accelerator(seed), qnet::random_images(network, 2, seed), 2);
  }
  EXPECT_GE(ran, 60);
}

}  // namespace
}  // namespace shiftsim::sim
