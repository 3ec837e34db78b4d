#include "sim/report/summary.h"

#include <cmath>

#include <fmt/format.h>

#include "common/text.h"
#include "common/titled_line.h"
#include "sim/report/model_scope.h"
#include "sim/report/units.h"

namespace shiftsim::sim {
namespace {

constexpr std::size_t kSummaryColumns = 105;  ///< of the text beside the titles

std::string values_text(const ValueCheck& values) {
  if (values.images == 0) return "not compared: this engine computes none";
  if (values.mismatches == 0) {
    return fmt::format("{}, {} values in {} tensors: equal to the golden reference", images_text(values.images),
                       with_commas(values.values), values.tensors);
  }
  return fmt::format("{} of {} values DIFFER from the golden reference, first {}", with_commas(values.mismatches),
                     with_commas(values.values), values.first_mismatch);
}

/// What this run took; an accuracy that was kept took it nothing.
std::string host_text(const RunResult& result) {
  const std::string golden =
      result.accuracy.kept ? "" : fmt::format("golden reference {:.2f} s", result.accuracy.seconds);
  if (result.layers.empty()) return golden.empty() ? "nothing was computed" : golden;
  return fmt::format("{} cycles a second simulated, {:.2f} s{}{}", short_number(result.host_cycles_per_second()),
                     result.host_seconds, golden.empty() ? "" : "; ", golden);
}

/// "pe_array 0.6 %, accumulators 2.8 %", in lines that fit beside the titles. What takes nothing is left out.
std::string share_lines(const std::array<double, kComponents>& values, double total) {
  std::string text, line;
  for (std::size_t i = 0; i < kComponents; ++i) {
    if (values[i] <= 0) continue;
    std::string name = kComponentNames[i];
    if (const auto end = name.find("_scratchpad"); end != std::string::npos) name = name.substr(0, end) + "_sp";
    const std::string part = fmt::format("{} {:.1f} %", name, 100 * values[i] / total);
    if (!line.empty()) line += ",";
    if (line.size() + part.size() > kSummaryColumns) {
      text += titled_line("", line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + part;
  }
  return text + titled_line("", line);
}

std::string network_line(const NetworkSummary& network) {
  const std::string& recipe = network.provenance.recipe;
  return titled_line("network", fmt::format("{}{}: {} layers, {} MACs an image", network.name,
                                            recipe.empty() ? "" : fmt::format(" ({})", recipe), network.layers,
                                            short_number(static_cast<double>(network.macs))));
}

std::string accelerator_line(const AcceleratorConfig& a, const Technology& technology) {
  return titled_line("accelerator", fmt::format("{}: {} x {} array ({} pixels x {} lanes x {} channels), {} MHz, {}",
                                                a.name, a.array.rows, a.array.cols, a.array.pixels(), a.array.lanes,
                                                a.array.cols, a.clock_mhz, technology.name));
}

std::string accuracy_line(const AccuracyResult& accuracy) {
  const std::string of_float = accuracy.float_percent < 0 ? "not known"
                                                          : fmt::format("{:.2f} % ({})", accuracy.float_percent,
                                                                        images_text(accuracy.float_images));
  const std::string of_integers =
      accuracy.quantized_percent < 0
          ? fmt::format("not known, no labels ({})", images_text(accuracy.images))
          : fmt::format("{:.2f} % ({})", accuracy.quantized_percent, images_text(accuracy.images));
  return titled_line(
      "accuracy",
      fmt::format("float {}, quantized {}{}", of_float, of_integers,
                  accuracy.kept ? fmt::format(", kept from an earlier run of {:.2f} s", accuracy.seconds) : ""));
}

std::string time_lines(const Report& report) {
  std::string text =
      titled_line("time", fmt::format("{} cycles an image: {} at {} MHz, {} images/s, {:.0f} % of the MAC lanes busy",
                                      with_commas(std::llround(report.cycles_per_image())),
                                      time_text(report.seconds_per_image()), report.accelerator().clock_mhz,
                                      short_number(report.images_per_second()), 100 * report.utilisation()));
  const int batch = report.result().batch;
  if (batch > 1)
    text += titled_line("batch", fmt::format("{} images together, layer by layer: all outputs come after {}", batch,
                                             time_text(report.seconds_per_batch())));
  return text;
}

std::string energy_lines(const Report& report) {
  const EnergyReport& total = report.total_energy();
  return titled_line("energy",
                     fmt::format("{} an image: {} on chip, {} DRAM", energy_text(report.per_image(total.total())),
                                 energy_text(report.per_image(total.on_chip())),
                                 energy_text(report.per_image(total[Component::kDram])))) +
         share_lines(total.pj, total.total());
}

std::string area_lines(const Report& report) {
  const Area& area = report.area();
  return titled_line("area",
                     fmt::format("{:.3f} mm2: {:.3f} logic ({} NAND2), {:.3f} memories; the clock reaches {:.0f} MHz",
                                 area.total(), area.logic_mm2, short_number(area.nand2), area.memory_mm2,
                                 std::floor(highest_clock_mhz(report.accelerator(), report.technology())))) +
         share_lines(area.mm2, area.total());
}

std::string efficiency_line(const Report& report) {
  const EnergyReport& total = report.total_energy();
  return titled_line(
      "efficiency",
      fmt::format("{:.3f} TOPS/W with DRAM, {:.3f} on chip, {:.1f} GOPS/mm2; a MAC counts as 2 operations",
                  tops_per_watt(report.total_macs(), total.total()),
                  tops_per_watt(report.total_macs(), total.on_chip()), report.gops_per_mm2()));
}

std::string lockstep_lines(const LockstepResult& lockstep) {
  if (lockstep.verdict == "not run") return titled_line("lockstep", fmt::format("not run: {}", lockstep.scope));
  std::string text = titled_line(
      "lockstep", fmt::format("{}: {}, {} cycles, {} comparisons ({} of accumulators)", lockstep.verdict,
                              images_text(lockstep.images), with_commas(lockstep.cycles),
                              with_commas(lockstep.comparisons), with_commas(lockstep.accumulator_comparisons)));
  text += titled_line("", lockstep.scope);
  if (!lockstep.not_compared.empty())
    text += titled_line("", fmt::format("NOT compared, as the RTL lacks them: {}", join(lockstep.not_compared)));
  if (!lockstep.difference.empty()) text += titled_line("difference", lockstep.difference);
  if (!lockstep.waveform.empty()) text += titled_line("waveform", lockstep.waveform);
  return text;
}

}  // namespace

std::string summary_text(const Report& report) {
  const RunResult& result = report.result();
  std::string text = network_line(report.network());
  text += accelerator_line(report.accelerator(), report.technology());
  text += accuracy_line(result.accuracy);
  if (report.timed()) text += time_lines(report) + energy_lines(report);
  text += area_lines(report);
  if (report.timed()) text += efficiency_line(report) + titled_line("values", values_text(result.values));
  text += titled_line("host", host_text(result));
  text += lockstep_lines(result.lockstep);
  if (report.timed()) text += titled_line("RTL has", kRtlScope) + titled_line("SystemC only", kSystemCScope);
  return text;
}

}  // namespace shiftsim::sim
