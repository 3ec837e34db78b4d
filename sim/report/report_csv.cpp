#include "sim/report/report_csv.h"

#include <fmt/format.h>

#include "common/csv.h"

namespace shiftsim::sim {

std::string layers_csv(const Report& report) {
  std::string text =
      "layer,kind,in_h,in_w,in_c,out_h,out_w,out_c,kernel_h,kernel_w,stride,groups,weight_bits,input_bits,digits,tiles,"
      "macs,cycles,estimated_cycles,lane_utilisation,gops_per_mm2";
  for (const char* name : kCauseNames) text += fmt::format(",cycles_{}", name);
  for (const EventField& field : kEventFields) text += fmt::format(",events_{}", field.name);
  for (const char* name : kComponentNames) text += fmt::format(",pj_{}", name);
  text += ",pj_total\n";
  const std::vector<LayerResult>& layers = report.result().layers;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerResult& l = layers[i];
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.6g},{:.6g},{:.6g}", csv_field(l.name),
                        csv_field(l.kind), l.in_h, l.in_w, l.in_c, l.out_h, l.out_w, l.out_c, l.kernel_h, l.kernel_w,
                        l.stride, l.groups, l.weight_bits, l.input_bits, l.digits, l.tiles, l.macs, l.cycles,
                        l.estimated_cycles, report.utilisation(l), report.gops_per_mm2(l));
    for (const std::int64_t cycles : l.causes) text += fmt::format(",{}", cycles);
    for (const EventField& field : kEventFields) text += fmt::format(",{}", l.events.*field.member);
    const EnergyReport& energy = report.layer_energy()[i];
    for (const double pj : energy.pj) text += fmt::format(",{:.10g}", pj);
    text += fmt::format(",{:.10g}\n", energy.total());
  }
  return text;
}

std::string components_csv(const Report& report) {
  std::string text = "component,mm2,pj\n";
  for (std::size_t i = 0; i < kComponents; ++i)
    text += fmt::format("{},{:.10g},{:.10g}\n", kComponentNames[i], report.area().mm2[i], report.total_energy().pj[i]);
  return text;
}

}  // namespace shiftsim::sim
