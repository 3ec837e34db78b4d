#include "sim/report/report.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "common/atomic_file.h"
#include "common/version.h"

namespace shiftsim::sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kNameWidth = 18, kShapeWidth = 18;
constexpr const char* kRtlScope = "queues, LOAD, COMPUTE and STORE units, scratchpads, array, PPU";
constexpr const char* kSystemCScope = "DRAM and DMA timing, host, energy";
constexpr const char* kReportFile = "report.json";
constexpr const char* kLayersFile = "layers.csv";

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

std::string clip(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 1) + "~";
}

std::string shape(const LayerResult& layer) {
  return fmt::format("{}x{}{} {}x{}x{}", layer.kernel_h, layer.kernel_w,
                     layer.stride > 1 ? fmt::format("/{}", layer.stride) : "", layer.out_h, layer.out_w, layer.out_c);
}

/// pJ with a unit that keeps the number short.
std::string energy_text(double pj) {
  const std::array<const char*, 5> units{"pJ", "nJ", "uJ", "mJ", "J"};
  std::size_t unit = 0;
  while (std::abs(pj) >= 999.5 && unit + 1 < units.size()) {
    pj /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", pj, pj < 9.995 ? 2 : pj < 99.95 ? 1 : 0, units[unit]);
}

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.1f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.2f} s", seconds);
}

std::string images_text(std::int64_t count) {
  return fmt::format("{} image{}", with_commas(count), count == 1 ? "" : "s");
}

/// Tera-operations per joule; a MAC is two operations.
double tops_per_watt(std::int64_t macs, double pj) {
  return pj > 0 ? 2 * static_cast<double>(macs) / pj : 0;
}

std::int64_t dram_bytes(const Events& events) {
  return events.dram_read_bytes + events.dram_write_bytes;
}

/// A field of a CSV line, quoted where it must be.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

Json known_or_null(double value) {
  return value < 0 ? Json(nullptr) : Json(value);
}

Json energy_json(const EnergyReport& energy) {
  Json json = {{"total_pj", energy.total()}};
  for (std::size_t i = 0; i < kComponents; ++i) json["components_pj"][kComponentNames[i]] = energy.pj[i];
  return json;
}

Json config_json(const RunConfig& config) {
  const AcceleratorConfig& a = config.accelerator;
  const Depths depths = a.depths();
  return {{"name", a.name},
          {"array",
           {{"rows", a.array.rows},
            {"cols", a.array.cols},
            {"pixels", a.array.pixels()},
            {"lanes", a.array.lanes},
            {"ppu_lanes", a.array.ppu_lanes},
            {"accumulator_bits", a.array.accumulator_bits}}},
          {"scratchpad",
           {{"activation_kib", a.scratchpad.activation_kib},
            {"weight_kib", a.scratchpad.weight_kib},
            {"table_kib", a.scratchpad.table_kib},
            {"residual_kib", a.scratchpad.residual_kib},
            {"output_kib", a.scratchpad.output_kib},
            {"words_per_half",
             {{"activation", depths.activation},
              {"weight", depths.weight},
              {"table", depths.table},
              {"residual", depths.residual},
              {"output", depths.output}}}}},
          {"dram",
           {{"latency_cycles", a.dram.latency_cycles},
            {"bytes_per_cycle", a.dram.bytes_per_cycle},
            {"burst_bytes", a.dram.burst_bytes}}},
          {"command_queue_depth", a.command_queue_depth},
          {"clock_mhz", a.clock_mhz},
          {"technology", config.technology},
          {"network", config.network},
          {"dataset", {{"images", config.images}, {"labels", config.labels}, {"test_images", config.test_images}}},
          {"run",
           {{"fidelity", to_string(config.fidelity)},
            {"images", config.image_count},
            {"seed", config.seed},
            {"threads", config.threads}}},
          {"lockstep",
           {{"wave_cycles", config.lockstep.wave_cycles},
            {"max_cycles", config.lockstep.max_cycles},
            {"mutant", config.lockstep.mutant}}}};
}

Json network_json(const qnet::Network& network) {
  const qnet::Provenance& p = network.provenance;
  return {{"name", network.name},
          {"tool", p.tool},
          {"method", p.method},
          {"seed", p.seed},
          {"recipe", p.recipe},
          {"recipe_hash", p.recipe_hash},
          {"model", p.model},
          {"model_hash", p.model_hash},
          {"calibration", p.calibration},
          {"calibration_images", p.calibration_images},
          {"layers", network.layers.size()}};
}

Json technology_json(const Technology& technology) {
  Json json = {{"name", technology.name}, {"description", technology.description}, {"sha256", technology.sha256}};
  for (const Source& source : technology.sources) {
    json["sources"].push_back({{"section", source.section}, {"estimate", source.estimate}, {"source", source.text}});
  }
  return json;
}

Json versions_json(const RunResult& result) {
  Json json = {{"shiftsim", version()}, {"git", git_describe()}};
  for (const auto& [name, number] : library_versions()) json[name] = number;
  for (const auto& [name, number] : result.versions) json[name] = number;
  return json;
}

}  // namespace

std::string short_number(double value) {
  const std::array<const char*, 5> suffixes{"", "k", "M", "G", "T"};
  std::size_t suffix = 0;
  if (value < 9999.5) return fmt::format("{:.0f}", value);
  while (value >= 999.5 && suffix + 1 < suffixes.size()) {
    value /= 1000;
    ++suffix;
  }
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, suffixes[suffix]);
}

std::string with_commas(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool group = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    if (group) text += ',';
    text += digits[i];
  }
  return text;
}

Report::Report(const RunConfig& config, const Technology& technology, const qnet::Network& network,
               const RunResult& result)
    : config_(config), technology_(technology), network_(network), result_(result) {
  for (const LayerResult& layer : result.layers) {
    energy_.push_back(energy(layer.events, config.accelerator, technology));
    total_ += energy_.back();
  }
}

double Report::utilisation(const LayerResult& layer) const {
  const double there = static_cast<double>(layer.cycles) * config_.accelerator.array.mac_lanes();
  return there > 0 ? static_cast<double>(layer.macs) * layer.digits / there : 0;
}

double Report::utilisation() const {
  double used = 0;
  for (const LayerResult& layer : result_.layers) used += static_cast<double>(layer.macs) * layer.digits;
  const double there = static_cast<double>(result_.cycles) * config_.accelerator.array.mac_lanes();
  return there > 0 ? used / there : 0;
}

double Report::per_image(double value) const {
  return result_.images > 0 ? value / static_cast<double>(result_.images) : 0;
}

double Report::seconds_per_image() const {
  return per_image(static_cast<double>(result_.cycles)) / (config_.accelerator.clock_mhz * 1e6);
}

std::int64_t Report::total_macs() const {
  std::int64_t macs = 0;
  for (const LayerResult& layer : result_.layers) macs += layer.macs;
  return macs;
}

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
  Events events;
  CauseCycles causes{};
  for (std::size_t i = 0; i < result_.layers.size(); ++i) {
    const LayerResult& layer = result_.layers[i];
    text += row(clip(layer.name, kNameWidth), clip(shape(layer), kShapeWidth),
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

std::string Report::summary() const {
  const AcceleratorConfig& a = config_.accelerator;
  std::string text;
  const auto add = [&](const char* title, const std::string& content) {
    text += fmt::format("{:<12} {}\n", title, content);
  };
  std::int64_t network_macs = 0;
  for (const qnet::Layer& layer : network_.layers) network_macs += qnet::macs(network_, layer);
  const std::string& recipe = network_.provenance.recipe;
  add("network", fmt::format("{}{}: {} layers, {} MACs an image", network_.name,
                             recipe.empty() ? "" : fmt::format(" ({})", recipe), network_.layers.size(),
                             short_number(static_cast<double>(network_macs))));
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
  add("accuracy", fmt::format("float {}, quantized {}", of_float, of_integers));

  if (!result_.layers.empty()) {
    const double seconds = seconds_per_image();
    add("time",
        fmt::format("{} cycles an image: {} at {} MHz, {} images/s, {:.0f} % of the MAC lanes busy",
                    with_commas(std::llround(per_image(static_cast<double>(result_.cycles)))), time_text(seconds),
                    a.clock_mhz, short_number(seconds > 0 ? 1 / seconds : 0), 100 * utilisation()));
    add("energy",
        fmt::format("{} an image: {} on chip, {} DRAM", energy_text(per_image(total_.total())),
                    energy_text(per_image(total_.on_chip())), energy_text(per_image(total_[Component::kDram]))));
    std::string parts;
    for (std::size_t i = 0; i < kComponents; ++i) {
      const double percent = total_.total() > 0 ? 100 * total_.pj[i] / total_.total() : 0;
      std::string name = kComponentNames[i];
      if (const auto end = name.find("_scratchpad"); end != std::string::npos) name = name.substr(0, end) + "_sp";
      if (i > 0) parts += i == 6 ? fmt::format(",\n{:<13}", "") : ", ";
      parts += fmt::format("{} {:.1f} %", name, percent);
    }
    add("", parts);
    add("efficiency",
        fmt::format("{:.3f} TOPS/W with DRAM, {:.3f} on chip; a MAC counts as 2 operations",
                    tops_per_watt(total_macs(), total_.total()), tops_per_watt(total_macs(), total_.on_chip())));
    const ValueCheck& values = result_.values;
    add("values", values.mismatches == 0
                      ? fmt::format("{}, {} values in {} tensors: equal to the golden reference",
                                    images_text(values.images), with_commas(values.values), values.tensors)
                      : fmt::format("{} of {} values DIFFER from the golden reference, first {}",
                                    with_commas(values.mismatches), with_commas(values.values), values.first_mismatch));
    add("host", fmt::format("{} cycles a second simulated, {:.2f} s", short_number(result_.host_cycles_per_second()),
                            result_.host_seconds));
  }

  const LockstepResult& lockstep = result_.lockstep;
  if (lockstep.verdict == "not run") {
    add("lockstep", fmt::format("not run: {}", lockstep.scope));
  } else {
    add("lockstep", fmt::format("{}: {}, {} cycles, {} comparisons ({} of accumulators)", lockstep.verdict,
                                images_text(lockstep.images), with_commas(lockstep.cycles),
                                with_commas(lockstep.comparisons), with_commas(lockstep.accumulator_comparisons)));
    add("", lockstep.scope);
    if (!lockstep.difference.empty()) add("difference", lockstep.difference);
    if (!lockstep.waveform.empty()) add("waveform", lockstep.waveform);
  }
  if (!result_.layers.empty()) {
    add("RTL has", kRtlScope);
    add("SystemC only", kSystemCScope);
  }
  return text;
}

nlohmann::ordered_json Report::json() const {
  const bool timed = !result_.layers.empty();
  Json json;
  json["format"] = 1;
  json["versions"] = versions_json(result_);
  json["seeds"] = {{"run", config_.seed}, {"network", network_.provenance.seed}};

  const AccuracyResult& accuracy = result_.accuracy;
  json["accuracy"] = {{"float", known_or_null(accuracy.float_percent)},
                      {"float_images", accuracy.float_images},
                      {"quantized", known_or_null(accuracy.quantized_percent)},
                      {"correct", accuracy.correct},
                      {"images", accuracy.images},
                      {"unit", "%"}};

  json["cycles"] = {{"total", nullptr}};
  json["energy"] = {{"total_pj", nullptr}};
  if (timed) {
    const double seconds = seconds_per_image();
    json["cycles"] = {{"total", result_.cycles},
                      {"images", result_.images},
                      {"per_image", per_image(static_cast<double>(result_.cycles))},
                      {"clock_mhz", config_.accelerator.clock_mhz},
                      {"seconds_per_image", seconds},
                      {"images_per_second", seconds > 0 ? 1 / seconds : 0},
                      {"macs", total_macs()},
                      {"lane_utilisation", utilisation()}};
    json["energy"] = energy_json(total_);
    json["energy"]["images"] = result_.images;
    json["energy"]["per_image_pj"] = per_image(total_.total());
    json["energy"]["on_chip_pj"] = total_.on_chip();
    json["energy"]["tops_per_watt"] = tops_per_watt(total_macs(), total_.total());
    json["energy"]["tops_per_watt_on_chip"] = tops_per_watt(total_macs(), total_.on_chip());
    json["energy"]["operations_per_mac"] = 2;
  }

  const LockstepResult& lockstep = result_.lockstep;
  json["lockstep"] = {{"verdict", lockstep.verdict},
                      {"comparisons", lockstep.comparisons},
                      {"accumulator_comparisons", lockstep.accumulator_comparisons},
                      {"images", lockstep.images},
                      {"cycles", lockstep.cycles},
                      {"scope", lockstep.scope},
                      {"difference", lockstep.difference},
                      {"waveform", lockstep.waveform}};
  json["values"] = {{"images", result_.values.images},
                    {"tensors", result_.values.tensors},
                    {"values", result_.values.values},
                    {"mismatches", result_.values.mismatches},
                    {"first_mismatch", result_.values.first_mismatch}};
  json["scope"] = {{"rtl", kRtlScope}, {"systemc_only", kSystemCScope}};
  json["host"] = {
      {"engine_seconds", result_.host_seconds},
      {"cycles_per_second", result_.host_cycles_per_second()},
      {"golden_seconds", accuracy.seconds},
      {"golden_images_per_second", accuracy.seconds > 0 ? static_cast<double>(accuracy.images) / accuracy.seconds : 0}};
  json["configuration"] = config_json(config_);
  json["network"] = network_json(network_);
  json["technology"] = technology_json(technology_);

  json["layers"] = Json::array();
  for (std::size_t i = 0; i < result_.layers.size(); ++i) {
    const LayerResult& layer = result_.layers[i];
    Json entry = {{"name", layer.name},
                  {"kind", layer.kind},
                  {"input", {layer.in_h, layer.in_w, layer.in_c}},
                  {"output", {layer.out_h, layer.out_w, layer.out_c}},
                  {"kernel", {layer.kernel_h, layer.kernel_w}},
                  {"stride", layer.stride},
                  {"groups", layer.groups},
                  {"weight_bits", layer.weight_bits},
                  {"input_bits", layer.input_bits},
                  {"digits", layer.digits},
                  {"tiles", layer.tiles},
                  {"macs", layer.macs},
                  {"cycles", layer.cycles},
                  {"lane_utilisation", utilisation(layer)},
                  {"dram_bytes", dram_bytes(layer.events)}};
    for (std::size_t c = 0; c < kCauses; ++c) entry["cycles_by_cause"][kCauseNames[c]] = layer.causes[c];
    entry["energy"] = energy_json(energy_[i]);
    for (const EventField& field : kEventFields) entry["events"][field.name] = layer.events.*field.member;
    json["layers"].push_back(std::move(entry));
  }
  return json;
}

std::string Report::csv() const {
  std::string text =
      "layer,kind,in_h,in_w,in_c,out_h,out_w,out_c,kernel_h,kernel_w,stride,groups,weight_bits,input_bits,digits,tiles,"
      "macs,cycles,lane_utilisation";
  for (const char* name : kCauseNames) text += fmt::format(",cycles_{}", name);
  for (const EventField& field : kEventFields) text += fmt::format(",events_{}", field.name);
  for (const char* name : kComponentNames) text += fmt::format(",pj_{}", name);
  text += ",pj_total\n";
  for (std::size_t i = 0; i < result_.layers.size(); ++i) {
    const LayerResult& l = result_.layers[i];
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.6g}", csv_field(l.name),
                        csv_field(l.kind), l.in_h, l.in_w, l.in_c, l.out_h, l.out_w, l.out_c, l.kernel_h, l.kernel_w,
                        l.stride, l.groups, l.weight_bits, l.input_bits, l.digits, l.tiles, l.macs, l.cycles,
                        utilisation(l));
    for (const std::int64_t cycles : l.causes) text += fmt::format(",{}", cycles);
    for (const EventField& field : kEventFields) text += fmt::format(",{}", l.events.*field.member);
    for (const double pj : energy_[i].pj) text += fmt::format(",{:.10g}", pj);
    text += fmt::format(",{:.10g}\n", energy_[i].total());
  }
  return text;
}

void Report::write(const std::filesystem::path& folder) const {
  write_file_atomically(folder / kLayersFile, csv());
  write_file_atomically(folder / kReportFile, json().dump(2) + "\n");
}

}  // namespace shiftsim::sim
