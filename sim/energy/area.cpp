#include "sim/energy/area.h"

#include <cmath>

#include <fmt/format.h>

namespace shiftsim::sim {
namespace {

constexpr double kUm2PerMm2 = 1e6;

}  // namespace

double area_mm2(const Part& part, const Technology& technology) {
  if (part.kind == PartKind::kSram) return part.total_bits() * technology.sram_um2_per_bit(part.ports) / kUm2PerMm2;
  return technology.gates.nand2(part) * technology.nand2_um2 / technology.placement_density / kUm2PerMm2;
}

Area area(const AcceleratorConfig& config, const Technology& technology) {
  Area result;
  for (const Part& part : inventory_of(config)) {
    const double mm2 = area_mm2(part, technology);
    result[part.component] += mm2;
    (part.kind == PartKind::kSram ? result.memory_mm2 : result.logic_mm2) += mm2;
    result.nand2 += technology.gates.nand2(part);
  }
  return result;
}

double highest_clock_mhz(const AcceleratorConfig& config, const Technology& technology) {
  const double period_ps = technology.gates.path_fo4(config.array) * technology.fo4_ps;
  return 1e6 / period_ps;
}

std::optional<std::string> clock_problem(const AcceleratorConfig& config, const Technology& technology) {
  const double highest = highest_clock_mhz(config, technology);
  if (config.clock_mhz <= highest) return std::nullopt;
  return fmt::format(
      "found {}, expected at most {:.0f}: the core's longest path is {:.0f} FO4 delays, of {} ps in {} "
      "(clock_check: warn runs all the same)",
      config.clock_mhz, std::floor(highest), technology.gates.path_fo4(config.array), technology.fo4_ps,
      technology.name);
}

}  // namespace shiftsim::sim
