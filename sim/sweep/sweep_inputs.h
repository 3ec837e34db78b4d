// Everything that decides a sweep's results, by hashes: of two sweeps with equal ones each can use the other's rows.
#pragma once

#include <nlohmann/json.hpp>

#include "sim/sweep/sweep_plan.h"

namespace shiftsim::sim {

/// {"what": hash}: this program, the base configuration, and every file or folder that a key of a point names.
nlohmann::ordered_json sweep_inputs(const Sweep& sweep);

}  // namespace shiftsim::sim
