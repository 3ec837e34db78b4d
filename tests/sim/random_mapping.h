// Mappings of every kind for property tests: engines must agree on all of them, not only on those that are chosen.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "sim/compiler/compiler.h"
#include "sim/compiler/output_stationary.h"

namespace shiftsim::sim {

/// One of each layer's candidates by chance, for a program of 'batch' images. Throws UserError where a layer has none.
inline std::vector<MappedLayer> random_mappings(const qnet::Network& network, const AcceleratorConfig& accelerator,
                                                std::uint64_t seed, int batch = 1) {
  std::mt19937_64 random(seed);
  const DramLayout dram = layout_of(network, accelerator, batch);
  std::vector<MappedLayer> mappings;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view()) {
      mappings.emplace_back();
      continue;
    }
    std::vector<Mapping> candidates;
    OutputStationaryMapper().visit_candidates(
        make_task(network, accelerator, static_cast<int>(i), dram), {},
        [&](const Mapping& mapping, const Workload&) { candidates.push_back(mapping); });
    mappings.push_back({candidates[random() % candidates.size()], {}});
  }
  return mappings;
}

}  // namespace shiftsim::sim
