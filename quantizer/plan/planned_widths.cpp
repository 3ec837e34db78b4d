#include "quantizer/plan/planned_widths.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/error.h"
#include "common/suggestion.h"

namespace shiftsim::quantizer {

void PlannedWidths::set_weights(PlannedLayer& layer, bool fixed, bool last) const {
  const auto power_of_two = [](float weight) {
    int exponent = 0;
    return std::frexp(weight, &exponent) == 0.5f;
  };
  layer.weight_bits = recipe_.weight_bits;
  layer.policy = "weights";
  if (fixed) {
    const bool exact = std::all_of(layer.weight.begin(), layer.weight.end(), power_of_two);
    layer.weight_bits = exact ? 2 : 8;
    layer.policy = exact ? "exact" : "fixed";
  } else if (layer.input == 0) {
    layer.weight_bits = recipe_.first_weight_bits;
    layer.policy = "first";
  } else if (last) {
    layer.weight_bits = recipe_.last_weight_bits;
    layer.policy = "last";
  } else if (recipe_.depthwise_weight_bits && layer.geometry.is_depthwise()) {
    layer.weight_bits = *recipe_.depthwise_weight_bits;
    layer.policy = "depthwise";
  }
  if (const LayerOverride* own = override_of(layer.name); own != nullptr && own->weight_bits) {
    layer.weight_bits = *own->weight_bits;
    layer.policy = "layers";
  }
}

void PlannedWidths::set_output(const PlannedLayer& layer, bool shortcut, PlannedTensor& tensor) const {
  tensor.range.is_signed = layer.activation == qnet::Activation::kNone;
  if (layer.activation == qnet::Activation::kRelu6) tensor.range.ceilings = {6};
  tensor.range.bits = recipe_.activation_bits;
  tensor.policy = "activation";
  if (layer.input == 0) {
    tensor.range.bits = recipe_.stem_bits;
    tensor.policy = "stem";
  } else if (shortcut && tensor.range.is_signed) {
    tensor.range.bits = recipe_.residual_bits;
    tensor.policy = "residual";
  } else if (tensor.range.is_signed) {
    tensor.range.bits = recipe_.linear_bits;
    tensor.policy = "linear";
  }
  override_output(layer.name, tensor);
}

void PlannedWidths::set_sum(const PlannedLayer& layer, const PlannedTensor& in, PlannedTensor& tensor) const {
  const bool negative = in.range.is_signed || qnet::row_of(layer.kind).fixed_weight < 0;
  tensor.range = {recipe_.pool_bits, negative, {}};
  tensor.policy = "pool";
  override_output(layer.name, tensor);
}

void PlannedWidths::set_table_input(const PlannedLayer& layer, const std::string& where, PlannedTensor& tensor) const {
  const LayerOverride* own = override_of(layer.name);
  if (own != nullptr && own->activation_bits && *own->activation_bits != qnet::kTableInputBits)
    fail(
        "{}: layer '{}': found activation_bits {} (recipe, layers), expected {}: its output is the index of an "
        "activation table. The function behind it has a name of its own",
        where, layer.name, *own->activation_bits, qnet::kTableInputBits);
  tensor.range.bits = qnet::kTableInputBits;
  tensor.policy = "table";
}

void PlannedWidths::set_function(const PlannedLayer& layer, const FunctionPlace& place, PlannedTensor& tensor) const {
  tensor.range = {recipe_.activation_bits, layer.function->can_be_negative(!place.of_signed), {}};
  tensor.policy = "activation";
  if (place.stem) {
    tensor.range.bits = recipe_.stem_bits;
    tensor.policy = "stem";
  } else if (place.shortcut && tensor.range.is_signed) {
    tensor.range.bits = recipe_.residual_bits;
    tensor.policy = "residual";
  }
  override_output(layer.name, tensor);
}

void PlannedWidths::check_names(const Plan& plan, const std::string& where) const {
  std::vector<std::string> names;
  for (const PlannedLayer& layer : plan.layers) names.push_back(layer.name);
  for (const auto& [name, override] : recipe_.layers) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    fail("{}: has no layer '{}' (recipe, layers){}", where, name, suggestion(name, names));
  }
}

const LayerOverride* PlannedWidths::override_of(const std::string& layer) const {
  const auto found = recipe_.layers.find(layer);
  return found == recipe_.layers.end() ? nullptr : &found->second;
}

void PlannedWidths::override_output(const std::string& layer, PlannedTensor& tensor) const {
  const LayerOverride* own = override_of(layer);
  if (own == nullptr || !own->activation_bits) return;
  tensor.range.bits = *own->activation_bits;
  tensor.policy = "layers";
}

}  // namespace shiftsim::quantizer
