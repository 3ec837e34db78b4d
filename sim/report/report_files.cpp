#include "sim/report/report_files.h"

#include <string>

#include "common/atomic_file.h"
#include "sim/pages/pages.h"
#include "sim/report/report_csv.h"
#include "sim/report/report_json.h"

namespace shiftsim::sim {
namespace {

constexpr const char* kLayersFile = "layers.csv";
constexpr const char* kPageFile = "index.html";
constexpr const char* kComponentsFile = "components.csv";

}  // namespace

void write_report(const Report& report, const std::filesystem::path& folder) {
  write_file_atomically(folder / kLayersFile, layers_csv(report));
  write_file_atomically(folder / kComponentsFile, components_csv(report));
  // A path of the user's need not be UTF-8; JSON must be.
  const std::string text = report_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  write_file_atomically(folder / kReportFile, text + "\n");
  write_file_atomically(folder / kPageFile, report_page(text));
}

}  // namespace shiftsim::sim
