#include "sim/pages/pages.h"

#include <fstream>

#include <fmt/format.h>

#include "common/error.h"
#include "common/pages/embed.h"
#include "common/pages/page.h"

#define SHIFTSIM_FILES(ENTRY)                 \
  ENTRY(report_html, "report.html")           \
  ENTRY(report_charts_js, "report_charts.js") \
  ENTRY(report_js, "report.js")               \
  ENTRY(sweep_html, "sweep.html")             \
  ENTRY(sweep_fields_js, "sweep_fields.js")   \
  ENTRY(sweep_scatter_js, "sweep_scatter.js") \
  ENTRY(sweep_js, "sweep.js")

SHIFTSIM_FILES(SHIFTSIM_EMBED)

namespace shiftsim::sim {
namespace {

const PageFile kFiles[] = {SHIFTSIM_FILES(SHIFTSIM_EMBEDDED)};

constexpr std::string_view kPointStart = R"({"point":)", kOnFront = R"("front":true)";

std::ifstream open(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail("{}: cannot be read", file.string());
  return in;
}

std::size_t count_points(const std::filesystem::path& points_json) {
  std::ifstream in = open(points_json);
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) count += line.starts_with(kPointStart);
  return count;
}

/// The file with every step-th point and those of the front, and "left_out": how many it then lacks.
std::string thinned(const std::filesystem::path& points_json, std::size_t step) {
  std::ifstream in = open(points_json);
  std::string json;
  std::size_t point = 0, kept = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kPointStart)) {
      json += line + "\n";
      continue;
    }
    const bool keep = point++ % step == 0 || line.find(kOnFront) != std::string::npos;
    if (!keep) continue;
    if (line.ends_with(',')) line.pop_back();
    json += fmt::format("{}{}\n", kept++ > 0 ? "," : "", line);
  }
  return json.insert(1, fmt::format("\"left_out\":{},", point - kept));
}

}  // namespace

std::string report_page(std::string_view json) {
  return fill_page("report.html", kFiles, json);
}

std::string sweep_page(const std::filesystem::path& points_json, std::size_t most) {
  const std::size_t step = count_points(points_json) / most + 1;
  return fill_page("sweep.html", kFiles, thinned(points_json, step));
}

}  // namespace shiftsim::sim
