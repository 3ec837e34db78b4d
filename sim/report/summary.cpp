#include "sim/report/report.h"

#include <cmath>

#include <fmt/format.h>

#include "common/text.h"
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
std::string component_shares(const std::array<double, kComponents>& values, double total) {
  std::string parts;
  std::size_t line = 0;  // where the last line of 'parts' begins
  for (std::size_t i = 0; i < kComponents; ++i) {
    if (values[i] <= 0) continue;
    std::string name = kComponentNames[i];
    if (const auto end = name.find("_scratchpad"); end != std::string::npos) name = name.substr(0, end) + "_sp";
    const std::string part = fmt::format("{} {:.1f} %", name, 100 * values[i] / total);
    if (!parts.empty()) parts += ",";
    if (parts.size() - line + part.size() > kSummaryColumns) {
      parts += fmt::format("\n{:<13}", "");
      line = parts.size();
    } else if (!parts.empty()) {
      parts += " ";
    }
    parts += part;
  }
  return parts;
}

}  // namespace

std::string Report::summary() const {
  const AcceleratorConfig& a = config_.accelerator;
  std::string text;
  const auto add = [&](const char* title, const std::string& content) {
    text += fmt::format("{:<12} {}\n", title, content);
  };
  const std::string& recipe = network_.provenance.recipe;
  add("network", fmt::format("{}{}: {} layers, {} MACs an image", network_.name,
                             recipe.empty() ? "" : fmt::format(" ({})", recipe), network_.layers,
                             short_number(static_cast<double>(network_.macs))));
  add("accelerator",
      fmt::format("{}: {} x {} array ({} pixels x {} lanes x {} channels), {} MHz, {}", a.name, a.array.rows,
                  a.array.cols, a.array.pixels(), a.array.lanes, a.array.cols, a.clock_mhz, technology_.name));

  const AccuracyResult& accuracy = result_.accuracy;
  const std::string of_float = accuracy.float_percent < 0 ? "not known"
                                                          : fmt::format("{:.2f} % ({})", accuracy.float_percent,
                                                                        images_text(accuracy.float_images));
  const std::string of_integers =
      accuracy.quantized_percent < 0
          ? fmt::format("not known, no labels ({})", images_text(accuracy.images))
          : fmt::format("{:.2f} % ({})", accuracy.quantized_percent, images_text(accuracy.images));
  add("accuracy",
      fmt::format("float {}, quantized {}{}", of_float, of_integers,
                  accuracy.kept ? fmt::format(", kept from an earlier run of {:.2f} s", accuracy.seconds) : ""));

  if (!result_.layers.empty()) {
    const double seconds = seconds_per_image();
    add("time",
        fmt::format("{} cycles an image: {} at {} MHz, {} images/s, {:.0f} % of the MAC lanes busy",
                    with_commas(std::llround(per_image(static_cast<double>(result_.cycles)))), time_text(seconds),
                    a.clock_mhz, short_number(seconds > 0 ? 1 / seconds : 0), 100 * utilisation()));
    if (result_.batch > 1)
      add("batch", fmt::format("{} images together, layer by layer: all outputs come after {}", result_.batch,
                               time_text(seconds_per_batch())));
    add("energy",
        fmt::format("{} an image: {} on chip, {} DRAM", energy_text(per_image(total_.total())),
                    energy_text(per_image(total_.on_chip())), energy_text(per_image(total_[Component::kDram]))));
    add("", component_shares(total_.pj, total_.total()));
  }

  add("area", fmt::format("{:.3f} mm2: {:.3f} logic ({} NAND2), {:.3f} memories; the clock reaches {:.0f} MHz",
                          area_.total(), area_.logic_mm2, short_number(area_.nand2), area_.memory_mm2,
                          std::floor(highest_clock_mhz(a, technology_))));
  add("", component_shares(area_.mm2, area_.total()));

  if (!result_.layers.empty()) {
    add("efficiency",
        fmt::format("{:.3f} TOPS/W with DRAM, {:.3f} on chip, {:.1f} GOPS/mm2; a MAC counts as 2 operations",
                    tops_per_watt(total_macs(), total_.total()), tops_per_watt(total_macs(), total_.on_chip()),
                    gops_per_mm2()));
    add("values", values_text(result_.values));
  }

  add("host", host_text(result_));

  const LockstepResult& lockstep = result_.lockstep;
  if (lockstep.verdict == "not run") {
    add("lockstep", fmt::format("not run: {}", lockstep.scope));
  } else {
    add("lockstep", fmt::format("{}: {}, {} cycles, {} comparisons ({} of accumulators)", lockstep.verdict,
                                images_text(lockstep.images), with_commas(lockstep.cycles),
                                with_commas(lockstep.comparisons), with_commas(lockstep.accumulator_comparisons)));
    add("", lockstep.scope);
    if (!lockstep.not_compared.empty())
      add("", fmt::format("NOT compared, as the RTL lacks them: {}", join(lockstep.not_compared)));
    if (!lockstep.difference.empty()) add("difference", lockstep.difference);
    if (!lockstep.waveform.empty()) add("waveform", lockstep.waveform);
  }
  if (!result_.layers.empty()) {
    add("RTL has", kRtlScope);
    add("SystemC only", kSystemCScope);
  }
  return text;
}

}  // namespace shiftsim::sim
