#include "sim/report/report.h"

#include "common/version.h"
#include "sim/config/settings.h"
#include "sim/report/area_json.h"

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

}  // namespace

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
                      {"unit", "%"},
                      {"kept_from_an_earlier_run", accuracy.kept}};

  json["cycles"] = {{"total", nullptr}};
  json["energy"] = {{"total_pj", nullptr}};
  if (timed) {
    const double seconds = seconds_per_image();
    json["cycles"] = {{"total", result_.cycles},
                      {"images", result_.images},
                      {"batch", result_.batch},
                      {"per_image", per_image(static_cast<double>(result_.cycles))},
                      {"clock_mhz", config_.accelerator.clock_mhz},
                      {"seconds_per_image", seconds},
                      {"seconds_per_batch", seconds_per_batch()},
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

  json["area"] = area_json(config_.accelerator, technology_);
  if (timed) json["area"]["gops_per_mm2"] = gops_per_mm2();

  json["dram_map"] = Json::array();
  for (const DramMapEntry& area : result_.dram_map) {
    Json entry = {{"kind", area.kind},
                  {"name", area.name},
                  {"level", area.level},
                  {"address", area.address},
                  {"bytes", area.bytes}};
    if (result_.batch > 1 && area.image_pitch > 0) entry["image_pitch"] = area.image_pitch;
    json["dram_map"].push_back(std::move(entry));
  }

  const LockstepResult& lockstep = result_.lockstep;
  json["lockstep"] = {{"verdict", lockstep.verdict},
                      {"comparisons", lockstep.comparisons},
                      {"accumulator_comparisons", lockstep.accumulator_comparisons},
                      {"images", lockstep.images},
                      {"cycles", lockstep.cycles},
                      {"scope", lockstep.scope},
                      {"not_compared", lockstep.not_compared},
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
  json["technology"]["gates"] = {{"sha256", technology_.gates.sha256}, {"source", technology_.gates.source}};
  json["inventory"] = inventory_json(config_.accelerator, technology_);

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
                  {"gops_per_mm2", gops_per_mm2(layer)},
                  {"dram_bytes", dram_bytes(layer.events)},
                  {"estimated", {{"cycles", layer.estimated_cycles}, {"dram_bytes", layer.estimated_dram_bytes}}}};
    entry["mapping"] = mapping_json(layer.mapping);
    for (std::size_t c = 0; c < kCauses; ++c) entry["cycles_by_cause"][kCauseNames[c]] = layer.causes[c];
    entry["energy"] = energy_json(energy_[i]);
    for (const EventField& field : kEventFields) entry["events"][field.name] = layer.events.*field.member;
    json["layers"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace shiftsim::sim
