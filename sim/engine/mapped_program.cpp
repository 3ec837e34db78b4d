#include "sim/engine/mapped_program.h"

#include "sim/energy/technology.h"
#include "sim/mapping/mapping_search.h"

namespace shiftsim::sim {

Program mapped_program(const qnet::Network& network, const RunConfig& config, Contents contents) {
  check_network(network, config.accelerator);
  const Technology technology = load_technology(config.technology);
  return compile(network, config.accelerator, find_mappings(network, config, technology, config.threads), contents,
                 config.batch);
}

}  // namespace shiftsim::sim
