// What a run's caller says in place of keys of its configuration.
#pragma once

#include <string>
#include <vector>

namespace shiftsim::sim {

/// Empty, or negative: the configuration's.
struct Choices {
  std::string network, images, labels, fidelity;
  int threads = -1;
};

/// The same as "key=value" overrides (config.h).
std::vector<std::string> overrides_of(const Choices& choices);

}  // namespace shiftsim::sim
