#include <nlohmann/json.hpp>

#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/evaluate/figure_text.h"

namespace shiftsim::quantizer {

namespace {

using Json = nlohmann::ordered_json;

Json weights_json(const WeightDiagnosis& w) {
  return {{"bits", w.bits},
          {"sqnr_db", decibel_json(w.noise.sqnr_db())},
          {"clipping_noise_percent", 100 * w.noise.clipping_share()},
          {"rounding_noise_percent", w.noise.total() > 0 ? 100 - 100 * w.noise.clipping_share() : 0},
          {"power_of_two_loss_db", decibel_json(w.power_of_two_loss_db)},
          {"worst_channel_power_of_two_loss_db", decibel_json(w.worst_power_of_two_loss_db)},
          {"clipped_percent", percent(w.clipped, w.weights)},
          {"at_ends_percent", percent(w.saturated, w.weights)},
          {"dead_codes_percent", percent(w.dead_codes, w.codes)},
          {"zero_channels", w.zero_channels},
          {"channels", w.channels},
          {"ties_percent", percent(w.ties, w.weights)},
          {"moved_percent", percent(w.moved, w.weights)},
          {"exponents_searched", w.exponents_searched},
          {"exponents", w.exponents}};
}

Json codes_json(const CodeDiagnosis& c) {
  return {{"bits", c.bits},
          {"signed", c.is_signed},
          {"alone_sqnr_db", decibel_json(c.local.sqnr_db())},
          {"clipping_noise_percent", 100 * c.local.clipping_share()},
          {"rounding_noise_percent", c.local.total() > 0 ? 100 - 100 * c.local.clipping_share() : 0},
          {"power_of_two_loss_db", decibel_json(c.power_of_two_loss_db)},
          {"clipped_percent", percent(c.clipped, c.use.total())},
          {"at_ends_percent", percent(c.use.saturated, c.use.total())},
          {"dead_codes", c.dead_codes},
          {"codes", c.codes},
          {"dead_channels", c.use.dead_channels()},
          {"exponents_searched", c.exponents_searched},
          {"exponents", c.exponents}};
}

Json moments_json(const Moments& moments) {
  return {{"mean", moments.mean()}, {"standard_deviation", moments.deviation()}};
}

}  // namespace

Json diagnosis_json(const LayerDiagnosis& layer) {
  const OutputError& error = layer.error;
  Json json = {{"inherited_sqnr_db", decibel_json(error.inherited_sqnr_db())},
               {"output_sqnr_db", decibel_json(error.sqnr_db())},
               {"added_noise_percent_of_signal", 100 * error.added()},
               {"added_by_weights_percent_of_signal", 100 * error.added_by_weights()},
               {"added_by_codes_percent_of_signal", 100 * error.added_by_codes()},
               {"float", moments_json(layer.float_values)},
               {"quantized", moments_json(layer.quantized_values)},
               {"float_dead_channels", layer.float_dead_channels}};
  if (layer.weights) json["weights"] = weights_json(*layer.weights);
  if (layer.codes) json["codes"] = codes_json(*layer.codes);
  if (layer.sums) {
    Json sums = Json::object();
    if (layer.codes) sums["ties_percent"] = percent(layer.sums->ties, layer.codes->use.total());
    sums["accumulator_bits_seen"] = layer.sums->bits_seen;
    sums["accumulator_bits_proven"] = layer.sums->bits_proven;
    sums["accumulator_bits_available"] = layer.sums->bits_available;
    json["sums"] = std::move(sums);
  }
  json["advice"] = advice(layer);
  return json;
}

}  // namespace shiftsim::quantizer
