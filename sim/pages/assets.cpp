#include "sim/pages/assets.h"

#include "common/error.h"

// Every file once: a name for the linker, and the file's name, which the assembler looks for in the folders that
// sim/CMakeLists.txt gives it.
#define SHIFTSIM_ASSETS(ENTRY)                \
  ENTRY(report_html, "report.html")           \
  ENTRY(page_css, "page.css")                 \
  ENTRY(format_js, "format.js")               \
  ENTRY(elements_js, "elements.js")           \
  ENTRY(table_js, "table.js")                 \
  ENTRY(charts_js, "charts.js")               \
  ENTRY(report_charts_js, "report_charts.js") \
  ENTRY(report_js, "report.js")               \
  ENTRY(sweep_html, "sweep.html")             \
  ENTRY(sweep_fields_js, "sweep_fields.js")   \
  ENTRY(sweep_scatter_js, "sweep_scatter.js") \
  ENTRY(sweep_js, "sweep.js")                 \
  ENTRY(chart_js, "chart.min.js")

#define SHIFTSIM_EMBED(symbol, file)         \
  asm(".pushsection .rodata\n"               \
      "shiftsim_" #symbol                    \
      ":\n"                                  \
      ".incbin \"" file                      \
      "\"\n"                                 \
      "shiftsim_" #symbol                    \
      "_end:\n"                              \
      ".popsection\n");                      \
  extern "C" const char shiftsim_##symbol[]; \
  extern "C" const char shiftsim_##symbol##_end[];

SHIFTSIM_ASSETS(SHIFTSIM_EMBED)

namespace shiftsim::sim {
namespace {

struct Asset {
  std::string_view name, content;
};

#define SHIFTSIM_ENTRY(symbol, file) {file, {shiftsim_##symbol, shiftsim_##symbol##_end}},

const Asset kAssets[] = {SHIFTSIM_ASSETS(SHIFTSIM_ENTRY)};

}  // namespace

std::string_view asset(std::string_view name) {
  for (const Asset& asset : kAssets)
    if (asset.name == name) return asset.content;
  SHIFTSIM_CHECK(false, "no file {} is built into the program", name);
  return {};
}

}  // namespace shiftsim::sim
