#include "quantizer/app/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/text.h"
#include "common/text_table.h"
#include "common/version.h"
#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/evaluate/figure_text.h"

namespace shiftsim::quantizer {

namespace {

constexpr std::size_t kCellWidth = 32;

std::string range_text(int low, int high) {
  return low == high ? fmt::format("{}", low) : fmt::format("{}..{}", low, high);
}

}  // namespace

std::string layer_table(const QuantizedNetwork& source, const qnet::Network& network) {
  TextTable table({{.title = "layer", .width = kCellWidth, .align = TextAlign::kLeft},
                   {.title = "W", .width = 3},
                   {.title = "ew", .width = 9},
                   {.title = "c", .width = 9},
                   {.title = "offsets", .width = 8},
                   {.title = "SQNR W", .width = 7},
                   {.title = "A", .width = 4},
                   {.title = "e", .width = 4},
                   {.title = "SQNR A", .width = 8},
                   {.title = "bits because", .align = TextAlign::kLeft, .gap = 2}});
  std::vector<std::string> names;
  for (const qnet::Layer& layer : network.layers) names.push_back(layer.name);
  names = clipped_names(names, kCellWidth);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const qnet::Layer& layer = network.layers[i];
    const qnet::Tensor& out = network.out(layer);
    const PlannedLayer& planned = source.plan->layers[i];
    const PlannedTensor& tensor = source.plan->tensor(planned.output);
    const LayerStatistics& statistics = source.statistics[i];
    const bool conv = planned.has_weights();
    std::string weight_bits = "-", weight_exponents = "-", offsets = "-", with_offset = "-", weight_sqnr = "-";
    if (conv) {
      const auto [low, high] = std::minmax_element(layer.weight_exponents.begin(), layer.weight_exponents.end());
      const auto [first, last] = std::minmax_element(layer.offsets.begin(), layer.offsets.end());
      const auto used = std::count_if(layer.offsets.begin(), layer.offsets.end(), [](int c) { return c != 0; });
      weight_bits = fmt::format("{}", layer.weight_bits);
      weight_exponents = range_text(*low, *high);
      offsets = range_text(*first, *last);
      with_offset = fmt::format("{}/{}", used, layer.offsets.size());
      weight_sqnr = decibel_text(statistics.weight_sqnr);
    }
    const auto [low, high] = std::minmax_element(out.exponents.begin(), out.exponents.end());
    const std::string bits = fmt::format("{}{}", out.is_signed ? "s" : "u", out.bits);
    const std::string why =
        conv ? fmt::format("{}, {}", planned.policy, tensor.is_logits ? "logits" : tensor.policy)
             : fmt::format("{} ({})", tensor.policy, layer.has_table() ? "table" : qnet::to_string(layer.kind));
    table.add_row({names[i], weight_bits, weight_exponents, offsets, with_offset, weight_sqnr, bits,
                   range_text(*low, *high), decibel_text(statistics.output_sqnr), why});
  }
  return table.text();
}

namespace {

nlohmann::ordered_json learning_json(const LearningRecord& learning) {
  using Json = nlohmann::ordered_json;
  Json json = {{"held_out_images", learning.held_out}, {"stages", Json::array()}, {"units", Json::array()}};
  for (const StageRecord& stage : learning.stages)
    json["stages"].push_back({{"stage", stage.stage}, {"divergence", stage.divergence}, {"kept", stage.kept}});
  for (const UnitRecord& unit : learning.units)
    json["units"].push_back({{"pass", unit.pass},
                             {"unit", unit.unit},
                             {"first_layer", unit.first},
                             {"last_layer", unit.last},
                             {"loss_before", unit.before},
                             {"loss_after", unit.after}});
  return json;
}

}  // namespace

std::string report_json(const QuantizedNetwork& source, const std::optional<qnet::Network>& network,
                        const Recipe& recipe, const RunResult& result, const Diagnosis& diagnosis) {
  using Json = nlohmann::ordered_json;
  Json json;
  json["format"] = "shiftsim quantization report 1";
  json["network"] = source.plan->name;
  json["version"] = std::string("quantrun ") + version();
  json["widths"] = fmt::format("W{}A{}", recipe.weight_bits, recipe.activation_bits);
  json["method"] = recipe.method;
  json["scales"] = recipe.scales == Scales::kFree ? "free" : "power_of_two";
  json["fake_quantized"] = !network.has_value();
  json["policy"] = policy_text(*source.plan, recipe);
  json["recipe"] = to_yaml(recipe);
  json["seconds"] = result.seconds;
  json["stages"] = Json::array();
  for (const StageCost& stage : result.stages)
    json["stages"].push_back({{"name", stage.name},
                              {"seconds", stage.seconds},
                              {"peak_resident_bytes", stage.peak_resident},
                              {"peak_anonymous_bytes", stage.peak_anonymous}});
  if (result.accuracy) {
    const PairedAccuracy& a = *result.accuracy;
    json["accuracy"] = {{"images", a.images},
                        {"float_percent", a.before},
                        {"percent", a.after},
                        {"drop_percent", a.before - a.after},
                        {"lost", a.lost},
                        {"gained", a.gained},
                        {"drop_standard_error", a.standard_error}};
  }
  json["learning"] = learning_json(result.learning);
  json["diagnosis_images"] = diagnosis.images;
  json["worst_first"] = Json::array();
  for (const std::size_t i : diagnosis.worst_first()) json["worst_first"].push_back(diagnosis.layers[i].name);
  json["layers"] = Json::array();
  for (std::size_t i = 0; i < source.plan->layers.size(); ++i) {
    const PlannedLayer& planned = source.plan->layers[i];
    const PlannedTensor& tensor = source.plan->tensor(planned.output);
    Json layer = {{"name", planned.name}, {"kind", qnet::to_string(planned.kind)}};
    if (planned.has_weights()) {
      layer["weight_bits"] = planned.weight_bits;
      layer["weight_bits_because"] = planned.policy;
      layer["weight_sqnr_db"] = decibel_json(source.statistics[i].weight_sqnr);
      std::vector<double> steps;
      for (const WeightQuantizer& quantizer : source.layers[i].quantizers) steps.push_back(quantizer.step());
      layer["weight_steps"] = steps;
    }
    layer["output_bits"] = tensor.is_logits ? qnet::kLogitsBits : tensor.range.bits;
    layer["output_bits_because"] = tensor.is_logits ? "logits" : tensor.policy;
    layer["output_sqnr_db"] = decibel_json(source.statistics[i].output_sqnr);
    if (!tensor.is_logits) layer["output_steps"] = source.steps(planned.output);
    layer["diagnosis"] = diagnosis_json(diagnosis.layers[i]);
    json["layers"].push_back(std::move(layer));
  }
  return json.dump(2) + "\n";
}

std::filesystem::path page_of(std::filesystem::path report) {
  return report.replace_extension(".html");
}

std::string policy_text(const Plan& plan, const Recipe& recipe) {
  // Counted by policy and bits, in the order of first use.
  std::map<std::string, int> weights, activations;
  for (const PlannedLayer& layer : plan.layers) {
    if (layer.has_weights() && (layer.policy != "weights" || layer.weight_bits != recipe.weight_bits))
      ++weights[fmt::format("{} layer W{}", layer.policy, layer.weight_bits)];
    const PlannedTensor& tensor = plan.tensor(layer.output);
    if (layer.requantizes() && !tensor.is_logits && tensor.range.bits != recipe.activation_bits)
      ++activations[fmt::format("{} output A{}", tensor.policy, tensor.range.bits)];
  }
  const auto list = [](const std::map<std::string, int>& counts) {
    std::vector<std::string> parts;
    parts.reserve(counts.size());
    for (const auto& [what, count] : counts) parts.push_back(count == 1 ? what : fmt::format("{} x{}", what, count));
    return parts.empty() ? std::string("none") : join(parts);
  };
  return fmt::format("policy: W{}A{}; other weights: {}; other activations: {}; residual sums and logits 32 bits",
                     recipe.weight_bits, recipe.activation_bits, list(weights), list(activations));
}

}  // namespace shiftsim::quantizer
