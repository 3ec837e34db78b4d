#include "sim/energy/technology.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/hash.h"
#include "common/yaml.h"

namespace shiftsim::sim {
namespace {

constexpr double kMost = 1e9;    // no figure is larger, in any unit used here
constexpr double kLeast = 1e-9;  // of what something is divided by

/// The value at x of the line through two neighbouring points of the curve.
double on_line(const Curve& curve, std::size_t right, double x, double (*scale)(double)) {
  const double x0 = scale(curve.at[right - 1]), x1 = scale(curve.at[right]);
  const double part = (scale(x) - x0) / (x1 - x0);
  return curve.value[right - 1] + part * (curve.value[right] - curve.value[right - 1]);
}

std::size_t right_of(const Curve& curve, double x) {
  return static_cast<std::size_t>(std::upper_bound(curve.at.begin(), curve.at.end(), x) - curve.at.begin());
}

Curve read_curve(YamlMap& map, const std::string& at_key, const std::string& value_key) {
  Curve curve{map.get_numbers(at_key), map.get_numbers(value_key)};
  if (curve.at.size() < 2) map.error(at_key, fmt::format("found {} values, expected at least 2", curve.at.size()));
  if (curve.value.size() != curve.at.size()) {
    map.error(value_key, fmt::format("found {} values, expected {}, one for each of {}", curve.value.size(),
                                     curve.at.size(), at_key));
  }
  for (std::size_t i = 0; i < curve.at.size(); ++i) {
    if (curve.at[i] <= (i == 0 ? 0.0 : curve.at[i - 1])) {
      map.error(at_key, fmt::format("found {}, expected positive sizes in rising order", curve.at[i]));
    }
    if (curve.value[i] < 0 || curve.value[i] > kMost) {
      map.error(value_key, fmt::format("found {}, expected a number in [0, {}]", curve.value[i], kMost));
    }
  }
  return curve;
}

/// Reads one section with its source.
template <typename Read>
void section(YamlMap& root, Technology& technology, const std::string& key, Read read) {
  YamlMap map = root.get_map(key);
  read(map);
  const std::string source = map.get_string("source");
  if (source.empty()) map.error("source", "is empty: every figure needs the place it comes from");
  technology.sources.push_back({key, source, map.get_bool("estimate")});
  map.finish();
}

}  // namespace

double Technology::adder_pj(double bits) const {
  if (bits <= adder.at.front()) return adder.value.front() * bits / adder.at.front();
  const std::size_t right = std::min(right_of(adder, bits), adder.at.size() - 1);
  return on_line(adder, right, bits, [](double x) { return x; });
}

double Technology::sram_pj_per_bit(double kib) const {
  const std::size_t right = right_of(sram, kib);
  double pj_per_64_bits = 0;
  if (right == 0) {
    pj_per_64_bits = sram.value.front() * std::sqrt(kib / sram.at.front());
  } else if (right == sram.at.size()) {
    pj_per_64_bits = sram.value.back() * std::sqrt(kib / sram.at.back());
  } else {
    pj_per_64_bits = on_line(sram, right, kib, [](double x) { return std::sqrt(x); });
  }
  return pj_per_64_bits / 64;
}

double Technology::sram_um2_per_bit(int ports) const {
  return sram_um2_per_bit_1 * std::pow(sram_port_factor, ports - 1);
}

Technology load_technology(const std::filesystem::path& file) {
  YamlMap root = YamlMap::load(file);
  Technology t;
  t.file = file.string();
  t.sha256 = sha256_file(file);
  t.name = root.get_string("name");
  t.description = root.get_string("description");
  section(root, t, "adder", [&](YamlMap& map) { t.adder = read_curve(map, "bits", "pj"); });
  section(root, t, "select", [&](YamlMap& map) { t.select_pj_per_bit = map.get_number("pj_per_bit", 0, kMost); });
  section(root, t, "gated_lane", [&](YamlMap& map) { t.gated_fraction = map.get_number("fraction", 0, 1); });
  section(root, t, "register", [&](YamlMap& map) { t.register_pj_per_bit = map.get_number("pj_per_bit", 0, kMost); });
  section(root, t, "shifter", [&](YamlMap& map) { t.shifter_pj = map.get_number("pj", 0, kMost); });
  section(root, t, "sram", [&](YamlMap& map) { t.sram = read_curve(map, "kib", "pj_per_64_bits"); });
  section(root, t, "dram", [&](YamlMap& map) {
    t.dram_pj_per_64_bits = map.get_number("pj_per_64_bits", 0, kMost);
    t.dram_pj_per_burst = map.get_number("pj_per_burst", 0, kMost);
  });
  section(root, t, "leakage", [&](YamlMap& map) {
    t.leakage_register_nw_per_bit = map.get_number("register_nw_per_bit", 0, kMost);
    t.leakage_adder_nw_per_bit = map.get_number("adder_nw_per_bit", 0, kMost);
    t.leakage_shifter_nw = map.get_number("shifter_nw", 0, kMost);
    t.leakage_sram_pw_per_bit = map.get_number("sram_pw_per_bit", 0, kMost);
  });
  section(root, t, "logic_area", [&](YamlMap& map) {
    // Relative to this file.
    t.gates = load_gates((file.parent_path() / map.get_string("gates")).lexically_normal());
    t.nand2_um2 = map.get_number("nand2_um2", kLeast, kMost);
    t.placement_density = map.get_number("placement_density", kLeast, 1);
  });
  section(root, t, "sram_area", [&](YamlMap& map) {
    t.sram_um2_per_bit_1 = map.get_number("um2_per_bit", 0, kMost);
    t.sram_port_factor = map.get_number("port_factor", 1, kMost);
  });
  section(root, t, "clock", [&](YamlMap& map) { t.fo4_ps = map.get_number("fo4_ps", kLeast, kMost); });
  root.finish();
  return t;
}

}  // namespace shiftsim::sim
