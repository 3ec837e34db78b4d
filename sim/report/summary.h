// A run in a few lines of text.
#pragma once

#include <string>

#include "sim/report/report.h"

namespace shiftsim::sim {

/// Accuracy, time, energy, area, lockstep: lines "name   text" of at most 120 columns.
std::string summary_text(const Report& report);

}  // namespace shiftsim::sim
