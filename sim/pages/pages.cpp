#include "sim/pages/pages.h"

#include "sim/pages/assets.h"

namespace shiftsim::sim {
namespace {

constexpr std::string_view kOpen = "{{", kClose = "}}", kData = "data";

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

/// A template with each {{name}} replaced by the file of that name, and {{data}} by the JSON.
std::string fill(std::string_view page, std::string_view json) {
  std::string text;
  while (true) {
    const std::size_t open = page.find(kOpen), close = page.find(kClose, open);
    if (close == std::string_view::npos) return text.append(page);
    text.append(page.substr(0, open));
    const std::string_view name = page.substr(open + kOpen.size(), close - open - kOpen.size());
    if (name == kData) {
      text.append(for_script(json));
    } else {
      text.append(asset(name));
    }
    page.remove_prefix(close + kClose.size());
  }
}

}  // namespace

std::string report_page(std::string_view json) {
  return fill(asset("report.html"), json);
}

}  // namespace shiftsim::sim
