// A run as JSON: all that is known of it, for tools and for the page.
#pragma once

#include <nlohmann/json.hpp>

#include "sim/report/report.h"

namespace shiftsim::sim {

/// The content of report.json. What did not run is null.
nlohmann::ordered_json report_json(const Report& report);

}  // namespace shiftsim::sim
