#include "sim/report/area_json.h"

#include "sim/energy/area.h"
#include "sim/energy/energy.h"

namespace shiftsim::sim {

using Json = nlohmann::ordered_json;

Json inventory_json(const AcceleratorConfig& config, const Technology& technology) {
  Json json = Json::array();
  for (const Part& part : inventory_of(config))
    json.push_back({{"part", part.name},
                    {"kind", to_string(part.kind)},
                    {"bits", part.bits},
                    {"count", part.count},
                    {"ports", part.ports},
                    {"component", kComponentNames[static_cast<std::size_t>(part.component)]},
                    {"rtl_module", part.module.empty() ? Json(nullptr) : Json(part.module)},
                    {"leakage_mw", leakage_mw(part, technology)},
                    {"nand2", technology.gates.nand2(part)},
                    {"area_mm2", area_mm2(part, technology)}});
  return json;
}

Json area_json(const AcceleratorConfig& config, const Technology& technology) {
  const Area total = area(config, technology);
  Json json = {{"total_mm2", total.total()},
               {"logic_mm2", total.logic_mm2},
               {"memory_mm2", total.memory_mm2},
               {"logic_nand2", total.nand2}};
  for (std::size_t i = 0; i < kComponents; ++i)
    if (total.mm2[i] > 0) json["components_mm2"][kComponentNames[i]] = total.mm2[i];
  json["clock"] = {{"mhz", config.clock_mhz},
                   {"highest_mhz", highest_clock_mhz(config, technology)},
                   {"path_fo4", technology.gates.path_fo4(config.array)},
                   {"fo4_ps", technology.fo4_ps}};
  return json;
}

}  // namespace shiftsim::sim
