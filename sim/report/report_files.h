// The files of a run.
#pragma once

#include <filesystem>

#include "sim/report/report.h"

namespace shiftsim::sim {

inline constexpr const char* kReportFile = "report.json";

/// Writes layers.csv, components.csv, report.json and the page index.html into the folder, each whole or not at all.
void write_report(const Report& report, const std::filesystem::path& folder);

}  // namespace shiftsim::sim
