#include "quantizer/pages/quantization_page.h"

#include "common/pages/embed.h"
#include "common/pages/page.h"

#define SHIFTSIM_FILES(ENTRY)                             \
  ENTRY(quantization_html, "quantization.html")           \
  ENTRY(quantization_charts_js, "quantization_charts.js") \
  ENTRY(quantization_js, "quantization.js")

SHIFTSIM_FILES(SHIFTSIM_EMBED)

namespace shiftsim::quantizer {

namespace {
const PageFile kFiles[] = {SHIFTSIM_FILES(SHIFTSIM_EMBEDDED)};
}  // namespace

std::string quantization_page(std::string_view json) {
  return fill_page("quantization.html", kFiles, json);
}

}  // namespace shiftsim::quantizer
