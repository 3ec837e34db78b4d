#include "quantizer/exchange/exchange_facts.h"

#include <nlohmann/json.hpp>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kFormat = 1;

/// The row of this name.
template <typename Rows>
auto find_row(const Rows& rows, const std::string& name, const std::string& file) {
  for (const auto& row : rows)
    if (name == row.name) return row;
  fail("{}: metadata '{}': found '{}', expected a kind or an activation of docs/qnet-format.md", file, kFactsKey, name);
}

ExchangeFacts parse(const nlohmann::json& json, const std::string& file) {
  if (json.at("format") != kFormat)
    fail("{}: metadata '{}': found format {}, expected {}", file, kFactsKey, json.at("format").dump(), kFormat);
  ExchangeFacts facts;
  facts.known = true;
  const auto& spec = json.at("input_spec");
  facts.input_spec = {spec.at("mean").get<std::vector<double>>(), spec.at("std").get<std::vector<double>>(),
                      spec.at("scale").get<double>()};
  for (const auto& tensor : json.at("tensors"))
    facts.tensors[tensor.at("name").get<std::string>()] = {tensor.at("bits").get<int>(), tensor.value("signed", false)};
  for (const auto& entry : json.at("layers")) {
    LayerFacts layer;
    layer.kind = find_row(qnet::kLayerKinds, entry.at("kind").get<std::string>(), file).kind;
    layer.activation = find_row(qnet::kActivations, entry.at("activation").get<std::string>(), file).activation;
    layer.weight_bits = entry.value("weight_bits", 0);
    layer.offsets = entry.value("offsets", std::vector<int>{});
    facts.layers[entry.at("name").get<std::string>()] = std::move(layer);
  }
  return facts;
}

}  // namespace

std::string facts_json(const qnet::Network& network) {
  using Json = nlohmann::ordered_json;
  const qnet::InputSpec& spec = network.input_spec;
  Json json = {{"format", kFormat},
               {"input_spec", {{"mean", spec.mean}, {"std", spec.std_dev}, {"scale", spec.scale}}},
               {"tensors", Json::array()},
               {"layers", Json::array()}};
  for (const qnet::Tensor& tensor : network.tensors)
    json["tensors"].push_back({{"name", tensor.name}, {"bits", tensor.bits}, {"signed", tensor.is_signed}});
  for (const qnet::Layer& layer : network.layers) {
    Json entry = {{"name", layer.name}, {"kind", qnet::to_string(layer.kind)}};
    if (qnet::row_of(layer.kind).has_weights) entry["weight_bits"] = layer.weight_bits;
    if (layer.has_offset()) entry["offsets"] = layer.offsets;
    entry["activation"] = qnet::to_string(layer.activation);
    json["layers"].push_back(std::move(entry));
  }
  return json.dump();
}

ExchangeFacts read_facts(const std::string& json, const std::string& file) {
  try {
    return parse(nlohmann::json::parse(json), file);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: metadata '{}': {}", file, kFactsKey, error.what());
  }
}

}  // namespace shiftsim::quantizer
