// What a report says of the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "qnet/network.h"

namespace shiftsim::sim {

struct NetworkSummary {
  std::string name;
  qnet::Provenance provenance;
  std::size_t layers = 0;
  std::int64_t macs = 0;  ///< of one image
};
NetworkSummary summarize(const qnet::Network& network);

}  // namespace shiftsim::sim
