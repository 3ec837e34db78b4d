#include "quantizer/learn/unit_model.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "quantizer/float/float_ops.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/plan/accumulator_rounding.h"

namespace shiftsim::quantizer {

namespace {

/// The quantizer's arrays are repeated to at least this many elements: long enough for loops to vectorize.
constexpr std::size_t kLeastPeriod = 256;

std::size_t repeats(std::size_t channels) {
  return (kLeastPeriod + channels - 1) / channels;
}

}  // namespace

struct UnitModel::LayerState {
  const PlannedLayer* layer = nullptr;
  std::unique_ptr<ConvOp> conv;  ///< null for pools
  bool needs_input_gradient = false, needs_residual_gradient = false;
  TensorQuantizer quantizer;
  kernels::Quantization quantization;
  std::vector<float> clamp_high, inverse, step, high;  ///< what 'quantization' points to
  std::vector<float> residual_step, residual_inverse;  ///< as long as its period; empty: residuals are not rounded
};

struct UnitModel::Slot {
  struct Tensor {
    std::vector<float> raw, value, gradient;
    std::vector<float> weight_gradient, bias_gradient, repeated_step_gradient, step_gradient;
    kernels::Quantization quantization;  ///< with this call's seed
    bool has_gradient = false;           ///< 'gradient' is set, in this backward pass
  };
  std::vector<Tensor> tensors;  ///< by layer: its output
  std::vector<const float*> inputs;
  std::size_t images = 0;
  std::vector<float> data_gradient;
  ConvScratch scratch;
};

UnitModel::UnitModel(const Plan& plan, const Unit& unit, std::size_t chunk, std::size_t slots, Use use)
    : plan_(plan), unit_(unit), chunk_(chunk) {
  for (int i = unit.first; i <= unit.last; ++i) {
    const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
    auto state = std::make_unique<LayerState>();
    state->layer = &layer;
    const auto inside = [&](int tensor) {
      return tensor >= 0 && std::find(unit.inputs.begin(), unit.inputs.end(), tensor) == unit.inputs.end();
    };
    state->needs_input_gradient = inside(layer.input);
    state->needs_residual_gradient = inside(layer.residual);
    if (layer.kind == qnet::LayerKind::kConv) {
      state->conv = std::make_unique<ConvOp>(layer.geometry, chunk);
      if (use == Use::kTraining) state->conv->prepare_backward();
    }
    const PlannedTensor& output = plan.tensor(layer.output);
    const auto channels = static_cast<std::size_t>(output.shape.channels);
    const std::size_t period = channels * repeats(channels);
    for (std::size_t c = 0; c < period; ++c) state->clamp_high.push_back(output.range.ceiling(c % channels));
    state->quantization.period = period;
    state->quantization.clamp_low = layer.floor();
    state->quantization.clamp_high = state->clamp_high.data();
    layers_.push_back(std::move(state));
  }
  for (std::size_t s = 0; s < slots; ++s) {
    auto slot = std::make_unique<Slot>();
    slot->tensors.resize(layers_.size());
    std::size_t largest = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const PlannedLayer& layer = *layers_[i]->layer;
      Slot::Tensor& tensor = slot->tensors[i];
      const std::size_t size = chunk * plan.tensor(layer.output).shape.size();
      const auto channels = static_cast<std::size_t>(plan.tensor(layer.output).shape.channels);
      tensor.raw.resize(size);
      tensor.value.resize(size);
      if (use == Use::kInference) continue;
      tensor.gradient.resize(size);
      tensor.weight_gradient.resize(layer.weight.size());
      tensor.bias_gradient.resize(layer.bias.size());
      tensor.repeated_step_gradient.resize(channels * repeats(channels));
      tensor.step_gradient.resize(channels);
      largest = std::max(largest, chunk * layer.geometry.input.size());
    }
    slot->data_gradient.resize(largest);
    slots_.push_back(std::move(slot));
  }
}

UnitModel::~UnitModel() = default;

std::size_t UnitModel::place_of_tensor(int tensor) const {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    if (layers_[i]->layer->output == tensor) return i;
  SHIFTSIM_CHECK(false, "tensor {} is not made in unit {}", tensor, unit_.name);
}

void UnitModel::set_weights(int layer, std::span<const float> weight, std::span<const float> bias) {
  layers_[place(layer)]->conv->set_weights(weight, bias);
}

void UnitModel::set_residual_steps(int layer, std::span<const float> steps) {
  LayerState& state = *layers_[place(layer)];
  state.residual_step.clear();
  state.residual_inverse.clear();
  if (steps.empty()) return;
  for (std::size_t i = 0; i < state.quantization.period; ++i) {
    state.residual_step.push_back(steps[i % steps.size()]);
    state.residual_inverse.push_back(1 / state.residual_step.back());
  }
}

void UnitModel::set_layer(const QuantizedNetwork& network, int layer) {
  const auto index = static_cast<std::size_t>(layer);
  const AccumulatorRounding rounding(network, index);
  set_weights(layer, network.layers[index].weights(), rounding.biases(network.layers[index].bias));
  set_residual_steps(layer, rounding.residual_steps());
}

void UnitModel::set_quantizer(int tensor, const TensorQuantizer& quantizer) {
  LayerState& state = *layers_[place_of_tensor(tensor)];
  if (state.quantizer == quantizer) return;
  state.quantizer = quantizer;
  const PlannedTensor& planned = plan_.tensor(tensor);
  const auto channels = static_cast<std::size_t>(planned.shape.channels);
  kernels::Quantization& q = state.quantization;
  const std::size_t period = q.period;
  q.enabled = quantizer.enabled;
  if (!q.enabled) return;
  q.keep = quantizer.keep >= 1 ? ~0u : static_cast<std::uint32_t>(quantizer.keep * 4294967295.0);
  q.low = static_cast<float>(planned.range.low());
  for (auto* array : {&state.inverse, &state.step, &state.high}) array->resize(period);
  for (std::size_t i = 0; i < period; ++i) {
    const double step = quantizer.steps.size() == 1 ? quantizer.steps[0] : quantizer.steps[i % channels];
    state.inverse[i] = static_cast<float>(1 / step);
    state.step[i] = static_cast<float>(step);
    state.high[i] = static_cast<float>(planned.range.high_at(step, i % channels));
  }
  q.inverse = state.inverse.data();
  q.step = state.step.data();
  q.high = state.high.data();
}

const TensorQuantizer& UnitModel::quantizer(int tensor) const {
  return layers_[place_of_tensor(tensor)]->quantizer;
}

const float* UnitModel::source(const Slot& slot, int tensor) const {
  const auto found = std::find(unit_.inputs.begin(), unit_.inputs.end(), tensor);
  if (found != unit_.inputs.end()) return slot.inputs[static_cast<std::size_t>(found - unit_.inputs.begin())];
  return slot.tensors[place_of_tensor(tensor)].value.data();
}

const float* UnitModel::forward(std::size_t slot_index, const std::vector<const float*>& inputs, std::size_t images,
                                std::uint32_t seed) {
  SHIFTSIM_CHECK(images <= chunk_ && inputs.size() == unit_.inputs.size(), "unit {}: {} images, {} inputs", unit_.name,
                 images, inputs.size());
  Slot& slot = *slots_[slot_index];
  slot.inputs = inputs;
  slot.images = images;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const LayerState& state = *layers_[i];
    const PlannedLayer& layer = *state.layer;
    Slot::Tensor& tensor = slot.tensors[i];
    const Shape &in = layer.geometry.input, &out = layer.geometry.output;
    const std::size_t count = images * plan_.tensor(layer.output).shape.size();
    const float* from = source(slot, layer.input);
    switch (layer.kind) {
      case qnet::LayerKind::kConv:
        state.conv->forward(from, tensor.raw.data(), images, slot.scratch);
        if (layer.residual >= 0 && state.residual_step.empty())
          kernels::add(tensor.raw.data(), source(slot, layer.residual), count);
        else if (layer.residual >= 0)
          kernels::add_rounded(tensor.raw.data(), source(slot, layer.residual), state.residual_step.data(),
                               state.residual_inverse.data(), state.quantization.period, count);
        break;
      case qnet::LayerKind::kMaxPool:
        max_pool(layer.geometry.window, in, out, from, tensor.raw.data(), images);
        break;
      case qnet::LayerKind::kSumPool:
        global_pool(in, 1, from, tensor.raw.data(), images);
        break;
    }
    tensor.quantization = state.quantization;
    tensor.quantization.seed = seed + 0x632be59bu * static_cast<std::uint32_t>(i + 1);
    kernels::quantize(tensor.quantization, tensor.raw.data(), tensor.value.data(), count);
  }
  return slot.tensors.back().value.data();
}

void UnitModel::backward(std::size_t slot_index, float* output_gradient, bool weights,
                         std::span<const float* const> hints) {
  Slot& slot = *slots_[slot_index];
  const std::size_t images = slot.images;
  for (Slot::Tensor& tensor : slot.tensors) tensor.has_gradient = false;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const LayerState& state = *layers_[i];
    const PlannedLayer& layer = *state.layer;
    Slot::Tensor& tensor = slot.tensors[i];
    const Shape &in = layer.geometry.input, &out = layer.geometry.output;
    const std::size_t count = images * plan_.tensor(layer.output).shape.size();
    float* gradient = i + 1 == layers_.size() ? output_gradient : tensor.gradient.data();
    if (!hints.empty() && hints[i] != nullptr) kernels::add(gradient, hints[i], count);
    if (tensor.quantization.enabled)
      std::fill(tensor.repeated_step_gradient.begin(), tensor.repeated_step_gradient.end(), 0.0f);
    kernels::quantize_backward(tensor.quantization, tensor.raw.data(), gradient, tensor.repeated_step_gradient.data(),
                               count);
    if (tensor.quantization.enabled) {
      const std::size_t channels = tensor.step_gradient.size();
      std::copy_n(tensor.repeated_step_gradient.begin(), channels, tensor.step_gradient.begin());
      for (std::size_t j = channels; j < tensor.repeated_step_gradient.size(); ++j)
        tensor.step_gradient[j % channels] += tensor.repeated_step_gradient[j];
    }
    // The first reader to come sets a tensor's gradient, others add.
    if (state.needs_residual_gradient) {
      Slot::Tensor& to = slot.tensors[place_of_tensor(layer.residual)];
      if (to.has_gradient)
        kernels::add(to.gradient.data(), gradient, count);
      else
        std::copy_n(gradient, count, to.gradient.data());
      to.has_gradient = true;
    }
    const float* from = source(slot, layer.input);
    if (layer.kind == qnet::LayerKind::kConv && weights)
      state.conv->backward_weights(from, gradient, tensor.weight_gradient.data(), tensor.bias_gradient.data(), images,
                                   slot.scratch);
    if (!state.needs_input_gradient) continue;
    Slot::Tensor& input = slot.tensors[place_of_tensor(layer.input)];
    float* to = input.gradient.data();
    const bool first = !std::exchange(input.has_gradient, true);
    if (first && layer.kind != qnet::LayerKind::kConv) std::fill(input.gradient.begin(), input.gradient.end(), 0.0f);
    switch (layer.kind) {
      case qnet::LayerKind::kConv:
        state.conv->backward_data(gradient, first ? to : slot.data_gradient.data(), images, slot.scratch);
        if (!first) kernels::add(to, slot.data_gradient.data(), images * in.size());
        break;
      case qnet::LayerKind::kMaxPool:
        max_pool_backward(layer.geometry.window, in, out, from, gradient, to, images);
        break;
      case qnet::LayerKind::kSumPool:
        global_pool_backward(in, 1, gradient, to, images);
        break;
    }
  }
}

std::span<const float> UnitModel::weight_gradient(std::size_t slot, int layer) const {
  return slots_[slot]->tensors[place(layer)].weight_gradient;
}
std::span<const float> UnitModel::bias_gradient(std::size_t slot, int layer) const {
  return slots_[slot]->tensors[place(layer)].bias_gradient;
}
std::span<const float> UnitModel::step_gradient(std::size_t slot, int tensor) const {
  return slots_[slot]->tensors[place_of_tensor(tensor)].step_gradient;
}
std::span<const float> UnitModel::values(std::size_t slot, int tensor, bool raw) const {
  const Slot& of = *slots_[slot];
  const Slot::Tensor& found = of.tensors[place_of_tensor(tensor)];
  return std::span(raw ? found.raw : found.value).first(of.images * plan_.tensor(tensor).shape.size());
}

}  // namespace shiftsim::quantizer
