#include "common/pages/page.h"

#include "common/error.h"
#include "common/pages/embed.h"

#define SHIFTSIM_SHARED(ENTRY)                  \
  ENTRY(page_head_html, "page_head.html")       \
  ENTRY(page_scripts_html, "page_scripts.html") \
  ENTRY(page_css, "page.css")                   \
  ENTRY(format_js, "format.js")                 \
  ENTRY(elements_js, "elements.js")             \
  ENTRY(table_js, "table.js")                   \
  ENTRY(charts_js, "charts.js")                 \
  ENTRY(chart_js, "chart.min.js")

SHIFTSIM_SHARED(SHIFTSIM_EMBED)

namespace shiftsim {
namespace {

const PageFile kShared[] = {SHIFTSIM_SHARED(SHIFTSIM_EMBEDDED)};

constexpr std::string_view kOpen = "{{", kClose = "}}", kData = "data";

std::string_view file(std::string_view name, std::span<const PageFile> own) {
  for (const std::span<const PageFile> files : {own, std::span<const PageFile>(kShared)})
    for (const PageFile& file : files)
      if (file.name == name) return file.content;
  SHIFTSIM_CHECK(false, "no file {} is built into the program", name);
  return {};
}

/// JSON that a script element can hold: '<' stands in strings alone, and may be written as its number there.
std::string for_script(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

/// Appends 'page' with its {{names}} replaced. Files of other kinds than HTML go in as they are.
void fill(std::string_view page, std::span<const PageFile> own, std::string_view json, std::string& text) {
  while (true) {
    const std::size_t open = page.find(kOpen), close = page.find(kClose, open);
    if (close == std::string_view::npos) break;
    text.append(page.substr(0, open));
    const std::string_view name = page.substr(open + kOpen.size(), close - open - kOpen.size());
    if (name == kData) {
      text.append(for_script(json));
    } else if (name.ends_with(".html")) {
      fill(file(name, own), own, json, text);
    } else {
      text.append(file(name, own));
    }
    page.remove_prefix(close + kClose.size());
  }
  text.append(page);
}

}  // namespace

std::string fill_page(std::string_view html, std::span<const PageFile> own, std::string_view json) {
  std::string text;
  fill(file(html, own), own, json, text);
  return text;
}

}  // namespace shiftsim
