// Pages to look at: a JSON report and all that shows it, in one HTML file that fetches nothing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace shiftsim::sim {

/// The page of a run. 'json': the text of report.json.
std::string report_page(std::string_view json);

/// So many points a browser draws and filters without a wait.
inline constexpr std::size_t kMostPagePoints = 20000;

/// The page of a sweep. 'points_json': its file points.json, one point a line. Of more than 'most' points it holds the
/// front and evenly chosen others.
std::string sweep_page(const std::filesystem::path& points_json, std::size_t most = kMostPagePoints);

}  // namespace shiftsim::sim
