#include "quantizer/exchange/import_state.h"

#include <cmath>

#include "common/error.h"
#include "common/index.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kFactorBits = 7;  // of a mean's factor: above 0 in INT8

std::string unique(std::set<std::string>& taken, const std::string& wanted) {
  std::string name = wanted;
  for (int copy = 2; !taken.insert(name).second; ++copy) name = fmt::format("{}_{}", wanted, copy);
  return name;
}

}  // namespace

ImportState::ImportState(QuantizedGraph source, ExchangeFacts source_facts, std::string source_path)
    : file(std::move(source)),
      facts(std::move(source_facts)),
      path(std::move(source_path)),
      values(file.graph.nodes.size()) {
  network.name = file.graph.name;
}

const ImportedValue& ImportState::input(int node, std::size_t which) const {
  return values[index(at(node).inputs[which])];
}

Place ImportState::place(int node) const {
  const auto label = file.labels.find(node);
  return {path, label == file.labels.end() ? at(node).name : label->second, to_string(at(node).kind)};
}

std::string ImportState::layer_name(int node) {
  const auto label = file.labels.find(node);
  const bool told = label != file.labels.end() && facts.layers.contains(label->second);
  return unique(layer_names_, told ? label->second : at(node).name);
}

std::string ImportState::tensor_name(const std::string& wanted) {
  return unique(tensor_names_, wanted);
}

int ImportState::tensor_of(int node, const ImportedValue& value) const {
  if (value.sum) place(node).fail("reads '{}', which is not quantized before", value.sum->name);
  if (value.tensor < 0) place(node).fail("reads the input, which is not quantized before");
  return value.tensor;
}

int ImportState::plain_tensor(int node, const ImportedValue& value) const {
  const int found = tensor_of(node, value);
  if (value.pad || !value.centre.empty()) place(node).fail("reads a padded or shifted value, which only Conv may");
  return found;
}

SumInput ImportState::sum_input(int node, const ImportedValue& value) const {
  SumInput in;
  in.tensor = tensor_of(node, value);
  in.exponents = in.tensor == 0 ? image.exponents : tensor(in.tensor).exponents;
  if (in.tensor != 0 || (value.centre.empty() && image.low == 0)) return in;
  for (int c = 0; c < network.input().channels; ++c) {
    const double centre = value.centre.empty() ? 0 : value.centre[index(c)];
    const double code = std::ldexp(centre, -in.exponents[0]) - image.low;
    if (code != std::floor(code) || code < 0 || code > 255)
      place(node).fail("reads the input less {}, expected a code of the input", centre);
    in.pad_values.push_back(static_cast<int>(code));
  }
  return in;
}

SumLayer ImportState::new_sum(int node, const ImportedValue& value, const Window& window, int groups) {
  SumLayer sum;
  sum.input = sum_input(node, value);
  sum.name = layer_name(node);
  sum.place = place(node);
  sum.shape = at(node).shape;
  sum.window = window;
  sum.groups = groups;
  sum.bias.assign(index(sum.shape.channels), 0);
  sum.clamps.assign(index(sum.shape.channels), {});
  return sum;
}

SumLayer ImportState::ones(int node, const ImportedValue& value, const Window& window) {
  SumLayer sum = new_sum(node, value, window, at(node).shape.channels);
  sum.codes.assign(index(sum.shape.channels) * window.taps(), 1);
  sum.exponents.assign(index(sum.shape.channels), 0);
  return sum;
}

SumLayer ImportState::summed(int node, const ImportedValue& value) {
  if (!value.sum) {
    plain_tensor(node, value);
    return ones(node, value, Window{});
  }
  SumLayer sum = *value.sum;
  if (sum.is_clamped()) place(node).fail("adds to '{}', which is clamped and not quantized before", sum.name);
  settle_mean(sum);
  return sum;
}

void ImportState::settle_mean(SumLayer& sum) {
  if (!sum.mean) return;
  const LegalScales::Factor factor = file.scales.factor(sum.place, *sum.mean, kFactorBits);
  for (int& code : sum.codes) code *= factor.mantissa;
  for (int& exponent : sum.exponents) exponent += factor.exponent;
  sum.mean.reset();
}

}  // namespace shiftsim::quantizer
