#include "sim/report/network_summary.h"

namespace shiftsim::sim {

NetworkSummary summarize(const qnet::Network& network) {
  NetworkSummary summary{network.name, network.provenance, 0, 0};
  for (const qnet::Layer& layer : network.layers) {
    if (layer.is_view()) continue;
    ++summary.layers;
    summary.macs += qnet::macs(network, layer);
  }
  return summary;
}

}  // namespace shiftsim::sim
