// Activation tables of random networks.
#pragma once

#include <cstdint>

#include "qnet/network.h"
#include "tests/qnet/random_network.h"
#include "tests/qnet/random_source.h"

namespace shiftsim::qnet {

/// Has random numbers of its own, so that networks without tables do not depend on them.
class RandomTables {
public:
  RandomTables(std::uint64_t seed, const RandomNetworkOptions& options);

  /// Sometimes gives the network's last layer a table, where its output, the last tensor, has one exponent.
  void try_table(Network& network);

private:
  RandomSource random_;
  const RandomNetworkOptions& options_;
  bool wanted_;  ///< in this network
};

}  // namespace shiftsim::qnet
