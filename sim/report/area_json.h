// The accelerator itself in JSON: its parts, from which energy, leakage and area derive, and its area and clock.
#pragma once

#include <nlohmann/json.hpp>

#include "sim/config/config.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {

/// A list of parts.
nlohmann::ordered_json inventory_json(const AcceleratorConfig& config, const Technology& technology);
nlohmann::ordered_json area_json(const AcceleratorConfig& config, const Technology& technology);

}  // namespace shiftsim::sim
