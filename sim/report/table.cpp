#include "sim/report/report.h"

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/report/units.h"

namespace shiftsim::sim {
namespace {

constexpr int kNameWidth = 18, kShapeWidth = 18;

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

/// The text without what stands behind its first 'begin' characters, where it is wider than 'width'.
std::string clip(const std::string& text, std::size_t width, std::size_t begin) {
  if (text.size() <= width) return text;
  return text.substr(0, begin) + "~" + text.substr(text.size() - (width - 1 - begin));
}

/// The layers' names, cut to 'width' where most of them stay apart: the number of a block stands in front, the layer
/// within the block at the end.
std::vector<std::string> clipped_names(const std::vector<LayerResult>& layers, std::size_t width) {
  std::vector<std::string> best;
  std::size_t most = 0;
  for (std::size_t begin = 0; begin < width; ++begin) {
    std::vector<std::string> names;
    for (const LayerResult& layer : layers) names.push_back(clip(layer.name, width, begin));
    const std::size_t different = std::set<std::string>(names.begin(), names.end()).size();
    if (different > most) {
      most = different;
      best = std::move(names);
    }
  }
  return best;
}

std::string shape(const LayerResult& layer) {
  return fmt::format("{}x{}{} {}x{}x{}", layer.kernel_h, layer.kernel_w,
                     layer.stride > 1 ? fmt::format("/{}", layer.stride) : "", layer.out_h, layer.out_w, layer.out_c);
}

}  // namespace

std::string Report::table() const {
  if (result_.layers.empty()) return "";
  std::string stall_titles;
  for (const StallColumn& column : stall_columns()) stall_titles += fmt::format("{:>6}", column.title);
  const auto row = [](const std::string& name, const std::string& shape, const std::string& bits,
                      const std::string& macs, const std::string& cycles, const std::string& use,
                      const std::string& stalls, const std::string& dram, const std::string& pj) {
    std::string line = fmt::format("{:<{}} {:<{}} {:>2} {:>5} {:>10} {:>4}{} {:>6} {:>7}", name, kNameWidth, shape,
                                   kShapeWidth, bits, macs, cycles, use, stalls, dram, pj);
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
  };
  const auto stalls_of = [](const CauseCycles& causes) {
    std::string text;
    for (const StallColumn& column : stall_columns()) {
      std::int64_t cycles = 0;
      for (const Cause cause : column.causes) cycles += causes[static_cast<std::size_t>(cause)];
      text += fmt::format("{:>6}", cycles == 0 ? "." : short_number(static_cast<double>(cycles)));
    }
    return text;
  };

  const std::size_t stall_width = stall_titles.size();
  std::string text =
      row("", "", "", "", "", "", fmt::format("{:>{}}", "stall cycles, waiting for", stall_width), "DRAM", "");
  text += row("layer", "kernel, output", "W", "MACs", "cycles", "use", stall_titles, "bytes", "energy");
  const std::vector<std::string> names = clipped_names(result_.layers, kNameWidth);
  Events events;
  CauseCycles causes{};
  for (std::size_t i = 0; i < result_.layers.size(); ++i) {
    const LayerResult& layer = result_.layers[i];
    text += row(names[i], clip(shape(layer), kShapeWidth, kShapeWidth / 2),
                layer.weight_bits > 0 ? std::to_string(layer.weight_bits) : "",
                layer.macs > 0 ? short_number(static_cast<double>(layer.macs)) : ".", with_commas(layer.cycles),
                layer.macs > 0 ? fmt::format("{:.0f}%", 100 * utilisation(layer)) : ".", stalls_of(layer.causes),
                short_number(static_cast<double>(dram_bytes(layer.events))), energy_text(energy_[i].total()));
    events += layer.events;
    for (std::size_t c = 0; c < kCauses; ++c) causes[c] += layer.causes[c];
  }
  text += row("total", result_.images > 1 ? images_text(result_.images) : "", "",
              short_number(static_cast<double>(total_macs())), with_commas(result_.cycles),
              fmt::format("{:.0f}%", 100 * utilisation()), stalls_of(causes),
              short_number(static_cast<double>(dram_bytes(events))), energy_text(total_.total()));
  text +=
      "W: weight bits. use: MAC lanes busy. Waiting for: the PPU; activations, weights, tables and residuals (to be\n"
      "loaded); outputs (to be stored); the layer before (barrier); other: set-up, last outputs, no command.\n";
  return text;
}

}  // namespace shiftsim::sim
