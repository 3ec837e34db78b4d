#include "sim/config/config.h"
#include "sim/config/settings.h"

namespace shiftsim::sim {

std::string print_config(const RunConfig& config) {
  return "# A complete ShiftSim configuration: every key, its value in this run, its range and its meaning. Keys left\n"
         "# out of a configuration take their defaults; relative paths count from the file they stand in.\n" +
         setting::to_yaml(settings(),
                          {{"scratchpad", "KiB, both halves together"},
                           {"quantize", "how scripts/run makes the network; all empty: it is given"}},
                          config);
}

}  // namespace shiftsim::sim
