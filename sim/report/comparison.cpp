#include "sim/report/comparison.h"

#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "common/text_table.h"
#include "sim/report/units.h"

namespace shiftsim::sim {
namespace {

/// Of all images of a batch: the others, too, would take them as more pixels.
MatrixProduct product_of(const LayerResult& layer, int batch) {
  const std::int64_t pixels = std::int64_t{layer.out_h} * layer.out_w * batch;
  return {pixels, layer.out_c / layer.groups,
          std::int64_t{layer.kernel_h} * layer.kernel_w * (layer.in_c / layer.groups), layer.groups};
}

std::int64_t sum(const LayerResult& layer, std::initializer_list<Cause> causes) {
  return std::accumulate(causes.begin(), causes.end(), std::int64_t{0},
                         [&](std::int64_t total, Cause cause) { return total + layer.cause(cause); });
}

ComparedLayer compare_layer(const LayerResult& layer, const RunResult& result, const ArraySize& array) {
  const std::int64_t batches = result.images / result.batch;
  ComparedLayer c;
  c.name = layer.name;
  c.product = product_of(layer, result.batch);
  c.ours = layer.cycles;
  c.scale_ws = batches * scale_sim_ws(c.product, array);
  c.scale_os = batches * scale_sim_os(c.product, array);
  c.stonne = batches * stonne_os(c.product, array);
  const std::int64_t run = layer.cause(Cause::kRun);
  c.digits = run - run / layer.digits;
  c.setup = layer.cause(Cause::kSetup);
  c.drain = sum(layer, {Cause::kPpu, Cause::kDrain});
  c.memory = sum(layer, {Cause::kActivations, Cause::kWeights, Cause::kTables, Cause::kResidual, Cause::kOutput,
                         Cause::kBarrier, Cause::kNoCommand});
  c.edge = run / layer.digits - c.scale_os;
  return c;
}

std::string signed_number(std::int64_t value) {
  return value == 0 ? "." : fmt::format("{:+}", value);
}

std::vector<std::string> cells(const std::string& name, const ComparedLayer& c, bool whole) {
  const double ratio = c.scale_os > 0 ? static_cast<double>(c.ours) / static_cast<double>(c.scale_os) : 0;
  return {name,
          whole ? ""
                : fmt::format("{}x{}x{}{}", c.product.m, c.product.n, c.product.k,
                              c.product.groups > 1 ? fmt::format(" x{}", c.product.groups) : ""),
          with_commas(c.ours),
          with_commas(c.scale_ws),
          with_commas(c.scale_os),
          with_commas(c.stonne),
          fmt::format("{:.2f}", ratio),
          signed_number(c.digits),
          signed_number(c.setup),
          signed_number(c.drain),
          signed_number(c.memory),
          signed_number(c.edge)};
}

ComparedLayer total_of(const std::vector<ComparedLayer>& layers) {
  ComparedLayer total;
  for (const ComparedLayer& layer : layers) total += layer;
  total.name = "total";
  return total;
}

}  // namespace

ComparedLayer& ComparedLayer::operator+=(const ComparedLayer& other) {
  for (const auto member : {&ComparedLayer::ours, &ComparedLayer::scale_ws, &ComparedLayer::scale_os,
                            &ComparedLayer::stonne, &ComparedLayer::digits, &ComparedLayer::setup,
                            &ComparedLayer::drain, &ComparedLayer::memory, &ComparedLayer::edge})
    this->*member += other.*member;
  return *this;
}

std::vector<ComparedLayer> compare(const RunResult& result, const ArrayConfig& array) {
  std::vector<ComparedLayer> layers;
  for (const LayerResult& layer : result.layers)
    if (layer.macs > 0) layers.push_back(compare_layer(layer, result, {array.rows, array.cols}));
  return layers;
}

std::string comparison_table(const std::vector<ComparedLayer>& layers) {
  TextTable table({{.title = "layer", .width = kNameWidth, .align = TextAlign::kLeft},
                   {.title = "M x N x K", .width = 12, .align = TextAlign::kLeft},
                   {.title = "ours", .width = 9},
                   {.title = "SCALE WS", .width = 9},
                   {.title = "SCALE OS", .width = 9},
                   {.title = "STONNE OS", .width = 9},
                   {.title = "x", .width = 5},
                   {.title = "digits", .width = 8},
                   {.title = "set-up", .width = 6},
                   {.title = "drain", .width = 6},
                   {.title = "memory", .width = 7},
                   {.title = "edge", .width = 8}},
                  {{.text = "", .columns = 7}, {.text = "ours less SCALE OS, in parts", .columns = 5}});
  std::vector<std::string> names;
  names.reserve(layers.size());
  for (const ComparedLayer& layer : layers) names.push_back(layer.name);
  names = clipped_names(names, kNameWidth);
  for (std::size_t i = 0; i < layers.size(); ++i) table.add_row(cells(names[i], layers[i], false));
  table.add_row(cells("total", total_of(layers), true));
  return table.text() +
         "Cycles by the closed forms of SCALE-Sim v2 (weight- and output-stationary) and STONNE (output-stationary)\n"
         "for as many rows and columns. x: ours over SCALE OS. digits: steps beyond the first digit of a weight.\n"
         "memory: waits for loads, stores and the layer before. edge: partly filled arrays here, less theirs, and\n"
         "less the filling and emptying of their pipelines. They have no DRAM and no digits.\n";
}

nlohmann::ordered_json comparison_json(const std::vector<ComparedLayer>& layers) {
  auto json = nlohmann::ordered_json::array();
  for (const ComparedLayer& c : layers)
    json.push_back(
        {{"layer", c.name},
         {"m", c.product.m},
         {"n", c.product.n},
         {"k", c.product.k},
         {"groups", c.product.groups},
         {"cycles", c.ours},
         {"scale_sim_ws", c.scale_ws},
         {"scale_sim_os", c.scale_os},
         {"stonne_os", c.stonne},
         {"difference_to_scale_sim_os",
          {{"digits", c.digits}, {"setup", c.setup}, {"drain", c.drain}, {"memory", c.memory}, {"edge", c.edge}}}});
  return json;
}

}  // namespace shiftsim::sim
