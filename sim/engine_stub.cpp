// Stands for sim/engine.cpp while that is not there; sim/CMakeLists.txt drops it as soon as it is.
#include "common/error.h"
#include "sim/engine.h"

namespace shiftsim::sim {

RunResult run(const RunConfig& config, const qnet::Network&, const ImageSet&, const std::filesystem::path&) {
  fail("fidelity '{}' is not in this build; use --fidelity golden", to_string(config.fidelity));
}

}  // namespace shiftsim::sim
