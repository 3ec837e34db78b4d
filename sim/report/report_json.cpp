#include "sim/report/report_json.h"

#include "common/version.h"
#include "sim/config/settings.h"
#include "sim/report/area_json.h"
#include "sim/report/model_scope.h"

namespace shiftsim::sim {
namespace {

using Json = nlohmann::ordered_json;

Json known_or_null(double value) {
  return value < 0 ? Json(nullptr) : Json(value);
}

Json energy_json(const EnergyReport& energy) {
  Json json = {{"total_pj", energy.total()}};
  for (std::size_t i = 0; i < kComponents; ++i) json["components_pj"][kComponentNames[i]] = energy.pj[i];
  return json;
}

Json config_json(const RunConfig& config) {
  Json json = setting::to_json(settings(), config);
  const Depths depths = config.accelerator.depths();
  json["array"]["pixels"] = config.accelerator.array.pixels();
  json["scratchpad"]["words_per_half"] = {{"activation", depths.activation},
                                          {"weight", depths.weight},
                                          {"table", depths.table},
                                          {"residual", depths.residual},
                                          {"output", depths.output}};
  const WordBits bits = config.accelerator.word_bits();
  json["scratchpad"]["word_bits"] = {{"activation", bits.activation},
                                     {"weight_pair", bits.weight_pair},
                                     {"weight_carry", bits.weight_carry},
                                     {"table", bits.table},
                                     {"residual", bits.residual},
                                     {"output", bits.output},
                                     {"lut", bits.lut}};
  return json;
}

Json network_json(const NetworkSummary& network) {
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
          {"layers", network.layers}};
}

Json technology_json(const Technology& technology) {
  Json json = {{"name", technology.name}, {"description", technology.description}, {"sha256", technology.sha256}};
  for (const Source& source : technology.sources) {
    json["sources"].push_back({{"section", source.section}, {"estimate", source.estimate}, {"source", source.text}});
  }
  json["gates"] = {{"sha256", technology.gates.sha256}, {"source", technology.gates.source}};
  return json;
}

Json versions_json(const RunResult& result) {
  Json json = {{"shiftsim", version()}, {"git", git_describe()}};
  for (const auto& [name, number] : library_versions()) json[name] = number;
  for (const auto& [name, number] : result.versions) json[name] = number;
  return json;
}

Json mapping_json(const MappingResult& m) {
  return {{"rows", m.tile_rows},
          {"cols", m.tile_cols},
          {"block", m.block},
          {"outer", m.outer},
          {"held", m.held},
          {"reduction_split", m.split},
          {"window_split", m.window_split},
          {"candidates", m.candidates},
          {"tried", m.tried},
          {"cycles_alone", m.alone_cycles}};
}

Json accuracy_json(const AccuracyResult& accuracy) {
  return {{"float", known_or_null(accuracy.float_percent)},
          {"float_images", accuracy.float_images},
          {"quantized", known_or_null(accuracy.quantized_percent)},
          {"correct", accuracy.correct},
          {"images", accuracy.images},
          {"unit", "%"},
          {"kept_from_an_earlier_run", accuracy.kept}};
}

Json cycles_json(const Report& report) {
  if (!report.timed()) return {{"total", nullptr}};
  const RunResult& result = report.result();
  return {{"total", result.cycles},
          {"images", result.images},
          {"batch", result.batch},
          {"per_image", report.cycles_per_image()},
          {"clock_mhz", report.accelerator().clock_mhz},
          {"seconds_per_image", report.seconds_per_image()},
          {"seconds_per_batch", report.seconds_per_batch()},
          {"images_per_second", report.images_per_second()},
          {"macs", report.total_macs()},
          {"lane_utilisation", report.utilisation()}};
}

Json total_energy_json(const Report& report) {
  if (!report.timed()) return {{"total_pj", nullptr}};
  const EnergyReport& total = report.total_energy();
  Json json = energy_json(total);
  json["images"] = report.result().images;
  json["per_image_pj"] = report.per_image(total.total());
  json["on_chip_pj"] = total.on_chip();
  json["tops_per_watt"] = tops_per_watt(report.total_macs(), total.total());
  json["tops_per_watt_on_chip"] = tops_per_watt(report.total_macs(), total.on_chip());
  json["operations_per_mac"] = 2;
  return json;
}

Json dram_map_json(const RunResult& result) {
  Json json = Json::array();
  for (const DramMapEntry& area : result.dram_map) {
    Json entry = {{"kind", area.kind},
                  {"name", area.name},
                  {"level", area.level},
                  {"address", area.address},
                  {"bytes", area.bytes}};
    if (result.batch > 1 && area.image_pitch > 0) entry["image_pitch"] = area.image_pitch;
    json.push_back(std::move(entry));
  }
  return json;
}

Json lockstep_json(const LockstepResult& lockstep) {
  return {{"verdict", lockstep.verdict},
          {"comparisons", lockstep.comparisons},
          {"accumulator_comparisons", lockstep.accumulator_comparisons},
          {"images", lockstep.images},
          {"cycles", lockstep.cycles},
          {"scope", lockstep.scope},
          {"not_compared", lockstep.not_compared},
          {"difference", lockstep.difference},
          {"waveform", lockstep.waveform}};
}

Json values_json(const ValueCheck& values) {
  return {{"images", values.images},
          {"tensors", values.tensors},
          {"values", values.values},
          {"mismatches", values.mismatches},
          {"first_mismatch", values.first_mismatch}};
}

Json host_json(const RunResult& result) {
  const AccuracyResult& accuracy = result.accuracy;
  return {
      {"engine_seconds", result.host_seconds},
      {"cycles_per_second", result.host_cycles_per_second()},
      {"golden_seconds", accuracy.seconds},
      {"golden_images_per_second", accuracy.seconds > 0 ? static_cast<double>(accuracy.images) / accuracy.seconds : 0}};
}

Json layer_json(const Report& report, std::size_t number) {
  const LayerResult& layer = report.result().layers[number];
  Json json = {{"name", layer.name},
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
               {"lane_utilisation", report.utilisation(layer)},
               {"gops_per_mm2", report.gops_per_mm2(layer)},
               {"dram_bytes", dram_bytes(layer.events)},
               {"estimated", {{"cycles", layer.estimated_cycles}, {"dram_bytes", layer.estimated_dram_bytes}}}};
  json["mapping"] = mapping_json(layer.mapping);
  for (std::size_t c = 0; c < kCauses; ++c) json["cycles_by_cause"][kCauseNames[c]] = layer.causes[c];
  json["energy"] = energy_json(report.layer_energy()[number]);
  for (const EventField& field : kEventFields) json["events"][field.name] = layer.events.*field.member;
  return json;
}

}  // namespace

nlohmann::ordered_json report_json(const Report& report) {
  const RunResult& result = report.result();
  const Technology& technology = report.technology();
  Json json;
  json["format"] = 1;
  json["versions"] = versions_json(result);
  json["seeds"] = {{"run", report.config().seed}, {"network", report.network().provenance.seed}};
  json["accuracy"] = accuracy_json(result.accuracy);
  json["cycles"] = cycles_json(report);
  json["energy"] = total_energy_json(report);
  json["area"] = area_json(report.accelerator(), technology);
  if (report.timed()) json["area"]["gops_per_mm2"] = report.gops_per_mm2();
  json["dram_map"] = dram_map_json(result);
  json["lockstep"] = lockstep_json(result.lockstep);
  json["values"] = values_json(result.values);
  json["scope"] = {{"rtl", kRtlScope}, {"systemc_only", kSystemCScope}};
  json["host"] = host_json(result);
  json["configuration"] = config_json(report.config());
  json["network"] = network_json(report.network());
  json["technology"] = technology_json(technology);
  json["inventory"] = inventory_json(report.accelerator(), technology);
  json["layers"] = Json::array();
  for (std::size_t i = 0; i < result.layers.size(); ++i) json["layers"].push_back(layer_json(report, i));
  return json;
}

}  // namespace shiftsim::sim
