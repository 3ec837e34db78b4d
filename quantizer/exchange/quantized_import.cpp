#include "quantizer/exchange/quantized_import.h"

#include <onnx/onnx_pb.h>

#include <cmath>

#include "common/error.h"
#include "common/hash.h"
#include "common/version.h"
#include "quantizer/exchange/import_state.h"
#include "quantizer/exchange/merged_residuals.h"
#include "quantizer/exchange/node_values.h"
#include "quantizer/export/activation_table.h"
#include "quantizer/import/onnx_file.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

/// Tensors of maxima and views that no quantization has named.
void name_the_unnamed(ImportState& state) {
  for (const qnet::Layer& layer : state.network.layers)
    if (state.unnamed.contains(layer.output)) state.tensor(layer.output).name = state.tensor_name(layer.name + "_out");
}

/// A sum at the output gives the logits. A tensor there is brought to 32 bits by a layer with weights of 1.
void finish_logits(ImportState& state, const std::string& name) {
  const int node = static_cast<int>(state.values.size()) - 1;
  const ImportedValue& last = state.values.back();
  SumLayer sum = last.sum ? *last.sum : state.summed(node, last);
  state.settle_mean(sum);
  append_sum_layer(sum, std::nullopt, state.tensor_name(name), state.facts, state.network, state.counts);
}

/// How images became codes. A file of this program says it.
void set_input_spec(ImportState& state) {
  qnet::InputSpec& spec = state.network.input_spec;
  if (state.facts.known) {
    spec = state.facts.input_spec;
    return;
  }
  spec.mean = {-state.image.low / spec.scale};
  spec.std_dev = {std::ldexp(1.0, -state.image.exponents[0]) / spec.scale};
  for (const qnet::Layer& layer : state.network.layers) {
    if (layer.pad_values.empty()) continue;
    spec.mean.clear();
    for (const std::uint8_t value : layer.pad_values) spec.mean.push_back(value / spec.scale);
  }
}

}  // namespace

QuantizedImport import_quantized(const fs::path& file, const ImageSizeOf& image_size, bool take_nearest) {
  ExchangeFacts facts;
  QuantizedGraph graph = read_quantized_file(file, image_size, take_nearest);
  const auto model = load_onnx(file);
  for (const auto& entry : model->metadata_props())
    if (entry.key() == kFactsKey) facts = read_facts(entry.value(), file.string());
  ImportState state(std::move(graph), std::move(facts), file.string());
  const FunctionChains chains(state);
  for (int i = 1; i < static_cast<int>(state.values.size()); ++i)
    if (!chains.is_step(i)) state.values[static_cast<std::size_t>(i)] = value_of_node(state, chains, i);
  name_the_unnamed(state);
  finish_logits(state, model->graph().output(0).name());
  merge_rounded_residuals(state.network);
  set_input_spec(state);
  QuantizedImport result{merge_tables(state.network), state.counts, state.file.scales.replacements()};
  qnet::Provenance& provenance = result.network.provenance;
  provenance.tool = std::string("quantrun ") + version();
  provenance.model = file.filename().string();
  provenance.model_hash = sha256_file(file);
  provenance.method = "imported";
  qnet::validate(result.network, file.string());
  return result;
}

std::string import_text(const QuantizedImport& imported) {
  const ImportCounts& counts = imported.counts;
  std::string text = fmt::format(
      "ties: possible in {} of {} output channels; there ONNX rounds them to even, this network rounds them up\n",
      counts.ties, counts.channels);
  if (counts.rounded_biases > 0)
    text +=
        fmt::format("biases: {} lay between two steps of their accumulator and were rounded\n", counts.rounded_biases);
  if (counts.near_ties > 0)
    text +=
        fmt::format("tables: {} entries lie so near a tie that a function's last digit in single precision decides\n",
                    counts.near_ties);
  for (const Replacement& replacement : imported.replacements)
    text += fmt::format("node '{}': {}; cost: {}\n", replacement.node, replacement.what, replacement.cost);
  return text;
}

}  // namespace shiftsim::quantizer
