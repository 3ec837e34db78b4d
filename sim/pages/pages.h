// Pages to look at: a JSON report and all that shows it, in one HTML file that fetches nothing.
#pragma once

#include <string>
#include <string_view>

namespace shiftsim::sim {

/// The page of a run. 'json': the text of report.json.
std::string report_page(std::string_view json);

}  // namespace shiftsim::sim
