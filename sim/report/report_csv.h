// A run as tables for spreadsheets and scripts.
#pragma once

#include <string>

#include "sim/report/report.h"

namespace shiftsim::sim {

/// One layer a line: shape, cycles and their causes, events, energy.
std::string layers_csv(const Report& report);
/// Area and energy by component.
std::string components_csv(const Report& report);

}  // namespace shiftsim::sim
