// Accelerators of every size for property tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "sim/config/config.h"
#include "tests/qnet/random_network.h"

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
  if (pick(0, 1) == 1) a.l2 = {pick(1, 8), pick(1, 64), pick(1, 40)};
  return a;
}

/// The accelerator, with activation tables where the network needs them.
inline AcceleratorConfig with_tables(AcceleratorConfig accelerator, const qnet::Network& network) {
  accelerator.array.activation_tables = accelerator.array.activation_tables || qnet::has_tables(network);
  return accelerator;
}

}  // namespace shiftsim::sim
