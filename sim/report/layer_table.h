// The layers of a run as a table of text.
#pragma once

#include <string>

#include "sim/report/report.h"

namespace shiftsim::sim {

/// One layer a line, in at most 120 columns, and what its columns mean. Empty at fidelity golden.
std::string layer_table(const Report& report);

}  // namespace shiftsim::sim
