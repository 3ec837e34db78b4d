#include "sim/pages/pages.h"

#include <fstream>

#include <fmt/format.h>

#include "common/error.h"
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
  return fill(asset("report.html"), json);
}

std::string sweep_page(const std::filesystem::path& points_json, std::size_t most) {
  const std::size_t step = count_points(points_json) / most + 1;
  return fill(asset("sweep.html"), thinned(points_json, step));
}

}  // namespace shiftsim::sim
