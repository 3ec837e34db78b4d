#include "sim/energy/gates.h"

#include <algorithm>
#include <cmath>

#include "common/hash.h"
#include "common/yaml.h"

namespace shiftsim::sim {
namespace {

constexpr double kMostGates = 1e6;

/// "kind: {per_bit: ..., per_part: ...}" for some kinds of parts.
std::map<PartKind, GateCost> read_costs(YamlMap map) {
  std::map<PartKind, GateCost> costs;
  for (const PartKind kind : kPartKinds) {
    const std::string key = to_string(kind);
    if (kind == PartKind::kSram || !map.has(key)) continue;
    YamlMap cost = map.get_map(key);
    costs[kind] = {cost.get_number("per_bit", 0, kMostGates), cost.get_number("per_part", 0, kMostGates)};
    cost.finish();
  }
  map.finish();
  return costs;
}

}  // namespace

double GateModel::nand2(const Part& part) const {
  if (part.kind == PartKind::kSram) return 0;
  const auto module = modules.find(part.module);
  const std::map<PartKind, GateCost>& costs = module == modules.end() ? others : module->second;
  const auto cost = costs.find(part.kind);
  if (cost == costs.end()) return 0;
  return part.count * (cost->second.per_part + cost->second.per_bit * part.bits);
}

double GateModel::path_fo4(const ArrayConfig& array) const {
  const double levels = std::log2(array.lanes + 1), doublings = std::log2(array.pixels() * array.cols);
  double longest = 0;
  for (const auto& [unit, path] : paths)
    longest = std::max(longest, path.base + path.per_level * levels + path.per_bit * array.accumulator_bits +
                                    path.per_doubling * doublings);
  return longest;
}

GateModel load_gates(const std::filesystem::path& file) {
  YamlMap root = YamlMap::load(file);
  GateModel model;
  model.file = file.string();
  model.sha256 = sha256_file(file);
  model.source = root.get_string("source");
  YamlMap modules = root.get_map("modules");
  for (const std::string& module : modules.keys()) model.modules[module] = read_costs(modules.get_map(module));
  modules.finish();
  model.others = read_costs(root.get_map("others"));
  YamlMap paths = root.get_map("paths");
  for (const std::string& unit : paths.keys()) {
    YamlMap path = paths.get_map(unit);
    model.paths[unit] = {path.get_number("base", 0, kMostGates), path.get_number("per_level", 0, kMostGates),
                         path.get_number("per_bit", 0, kMostGates), path.get_number("per_doubling", 0, kMostGates)};
    path.finish();
  }
  paths.finish();
  root.finish();
  return model;
}

}  // namespace shiftsim::sim
