#include "sim/report/layer_table.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/text_table.h"
#include "sim/report/units.h"

namespace shiftsim::sim {
namespace {

constexpr std::size_t kShapeWidth = 18;

/// A stall column of the table: some causes together.
struct StallColumn {
  const char* title;
  std::vector<Cause> causes;
};

const std::array<StallColumn, 7>& stall_columns() {
  static const std::array<StallColumn, 7> columns{{
      {"ppu", {Cause::kPpu}},
      {"act", {Cause::kActivations}},
      {"wgt", {Cause::kWeights}},
      {"tab", {Cause::kTables, Cause::kResidual}},
      {"out", {Cause::kOutput}},
      {"barr", {Cause::kBarrier}},
      {"other", {Cause::kSetup, Cause::kDrain, Cause::kNoCommand}},
  }};
  return columns;
}

std::string shape(const LayerResult& layer) {
  return fmt::format("{}x{}{} {}x{}x{}", layer.kernel_h, layer.kernel_w,
                     layer.stride > 1 ? fmt::format("/{}", layer.stride) : "", layer.out_h, layer.out_w, layer.out_c);
}

std::string stall_text(const StallColumn& stall, const CauseCycles& causes) {
  std::int64_t cycles = 0;
  for (const Cause cause : stall.causes) cycles += causes[static_cast<std::size_t>(cause)];
  return cycles == 0 ? "." : short_number(static_cast<double>(cycles));
}

}  // namespace

std::string layer_table(const Report& report) {
  if (!report.timed()) return "";
  const RunResult& result = report.result();
  using Column = TextTable::Column;
  std::vector<Column> columns = {{.title = "layer", .width = kNameWidth, .align = TextAlign::kLeft},
                                 {.title = "kernel, output", .width = kShapeWidth, .align = TextAlign::kLeft},
                                 {.title = "W", .width = 2},
                                 {.title = "MACs", .width = 5},
                                 {.title = "cycles", .width = 10},
                                 {.title = "use", .width = 4}};
  const std::size_t before = columns.size();
  for (const StallColumn& stall : stall_columns()) columns.push_back({.title = stall.title, .width = 5});
  columns.push_back({.title = "bytes", .width = 6});
  columns.push_back({.title = "energy", .width = 7});
  TextTable table(std::move(columns), {{.text = "", .columns = before},
                                       {.text = "stall cycles, waiting for", .columns = stall_columns().size()},
                                       {.text = "DRAM"}});

  // The cells that layers and total have alike.
  const auto add = [&](std::vector<std::string> cells, std::int64_t cycles, std::optional<double> used,
                       const CauseCycles& causes, const Events& events, const EnergyReport& energy) {
    cells.push_back(with_commas(cycles));
    cells.push_back(used ? fmt::format("{:.0f}%", 100 * *used) : ".");
    for (const StallColumn& stall : stall_columns()) cells.push_back(stall_text(stall, causes));
    cells.push_back(short_number(static_cast<double>(dram_bytes(events))));
    cells.push_back(energy_text(energy.total()));
    table.add_row(std::move(cells));
  };
  std::vector<std::string> names;
  for (const LayerResult& layer : result.layers) names.push_back(layer.name);
  names = clipped_names(names, kNameWidth);
  Events events;
  CauseCycles causes{};
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    const LayerResult& layer = result.layers[i];
    add({names[i], clipped(shape(layer), kShapeWidth, kShapeWidth / 2),
         layer.weight_bits > 0 ? std::to_string(layer.weight_bits) : "",
         layer.macs > 0 ? short_number(static_cast<double>(layer.macs)) : "."},
        layer.cycles, layer.macs > 0 ? std::optional(report.utilisation(layer)) : std::nullopt, layer.causes,
        layer.events, report.layer_energy()[i]);
    events += layer.events;
    for (std::size_t c = 0; c < kCauses; ++c) causes[c] += layer.causes[c];
  }
  add({"total", result.images > 1 ? images_text(result.images) : "", "",
       short_number(static_cast<double>(report.total_macs()))},
      result.cycles, report.utilisation(), causes, events, report.total_energy());
  return table.text() +
         "W: weight bits. use: MAC lanes busy. Waiting for: the PPU; activations, weights, tables and residuals (to "
         "be\n"
         "loaded); outputs (to be stored); the layer before (barrier); other: set-up, last outputs, no command.\n";
}

}  // namespace shiftsim::sim
