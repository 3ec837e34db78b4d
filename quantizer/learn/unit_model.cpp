#include "quantizer/learn/unit_model.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "quantizer/float/layer_op.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/plan/accumulator_rounding.h"

namespace shiftsim::quantizer {

namespace {

/// The quantizer's arrays are repeated to at least this many elements: long enough for loops to vectorize.
constexpr std::size_t kLeastPeriod = 256;

std::size_t repeats(std::size_t channels) {
  return (kLeastPeriod + channels - 1) / channels;
}

/// Through quantizer and activation function. The gradients with regard to the steps are summed in rows of
/// 'repeated_step', then by channel.
void backward_quantizer(const kernels::Quantization& quantization, const float* raw, float* gradient, std::size_t count,
                        std::vector<float>& repeated_step, std::vector<float>& step) {
  if (quantization.enabled) std::fill(repeated_step.begin(), repeated_step.end(), 0.0f);
  kernels::quantize_backward(quantization, raw, gradient, repeated_step.data(), count);
  if (!quantization.enabled) return;
  const std::size_t channels = step.size();
  std::copy_n(repeated_step.begin(), channels, step.begin());
  for (std::size_t j = channels; j < repeated_step.size(); ++j) step[j % channels] += repeated_step[j];
}

}  // namespace

struct UnitModel::LayerState {
  const PlannedLayer* layer;
  LayerOp op;
  bool needs_input_gradient = false, needs_residual_gradient = false;
  TensorQuantizer quantizer;
  kernels::Quantization quantization;
  std::vector<float> clamp_high, inverse, step, high;  ///< what 'quantization' points to

  LayerState(const PlannedLayer& of, std::size_t chunk) : layer(&of), op(of.in_float(), chunk) {}
};

/// What a chunk leaves for the sum over the batch, by layer.
struct UnitModel::Slot {
  struct Gradients {
    std::vector<float> weight, bias, repeated_step, step;
  };
  std::vector<Gradients> layers;
  std::size_t area = 0;  ///< where its last forward() ran
};

/// What a chunk works in.
struct UnitModel::Area {
  struct Tensor {
    kernels::Quantization quantization;  ///< with this call's seed
    bool has_gradient = false;           ///< it is set, in this backward pass
  };
  MappedFloats block;
  const UnitLayout* layout = nullptr;
  std::vector<Tensor> tensors;  ///< by layer: its output
  std::vector<const float*> inputs;
  std::size_t images = 0;
  std::size_t slot = 0;  ///< whose forward() was last
  ConvScratch scratch;

  float* raw(std::size_t i) const { return block.data() + layout->raw(i); }
  float* value(std::size_t i) const { return block.data() + layout->value(i); }
  float* gradient(std::size_t i) const { return block.data() + layout->gradient(i); }
  float* share(std::size_t i) const { return block.data() + layout->share(i); }
};

UnitModel::UnitModel(const Plan& plan, const Unit& unit, std::size_t chunk, std::size_t slots, Use use,
                     std::size_t areas)
    : plan_(plan), unit_(unit), chunk_(chunk), use_(use) {
  for (int i = unit.first; i <= unit.last; ++i) {
    const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
    auto state = std::make_unique<LayerState>(layer, chunk);
    const auto inside = [&](int tensor) {
      return tensor >= 0 && std::find(unit.inputs.begin(), unit.inputs.end(), tensor) == unit.inputs.end();
    };
    state->needs_input_gradient = inside(layer.input);
    state->needs_residual_gradient = inside(layer.residual);
    if (use == Use::kTraining) state->op.prepare_backward();
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
    slot->layers.resize(layers_.size());
    for (std::size_t i = 0; i < layers_.size() && use == Use::kTraining; ++i) {
      const PlannedLayer& layer = *layers_[i]->layer;
      const auto channels = static_cast<std::size_t>(plan.tensor(layer.output).shape.channels);
      Slot::Gradients& gradients = slot->layers[i];
      gradients.weight.resize(layer.weight.size());
      gradients.bias.resize(layer.bias.size());
      gradients.repeated_step.resize(channels * repeats(channels));
      gradients.step.resize(channels);
    }
    slots_.push_back(std::move(slot));
  }
  areas_.resize(areas == 0 ? slots : areas);
  make_areas({});
}

void UnitModel::make_areas(const std::vector<int>& kept) {
  kept_ = kept;
  layout_ = std::make_unique<UnitLayout>(plan_, unit_, chunk_, use_, kept);
  for (auto& area : areas_) {
    area.reset();  // before there is another one: it may be large
    area = std::make_unique<Area>();
    area->block = MappedFloats::anonymous(layout_->size());
    area->layout = layout_.get();
    area->tensors.resize(layers_.size());
  }
}

void UnitModel::keep(const std::vector<int>& tensors) {
  SHIFTSIM_CHECK(use_ == Use::kInference, "in training all values stay");
  make_areas(tensors);
}

std::size_t UnitModel::memory(const Plan& plan, const Unit& unit, std::size_t chunk, std::size_t slots, Use use,
                              std::size_t areas) {
  std::size_t weights = 0;
  for (int i = unit.first; i <= unit.last; ++i) weights += plan.layers[static_cast<std::size_t>(i)].weight.size();
  // A convolution has its weights as they were set and in oneDNN's order, for two sizes of chunks and directions.
  const std::size_t copies = use == Use::kTraining ? 5 + slots : 3;
  return sizeof(float) * (areas * UnitLayout(plan, unit, chunk, use).size() + copies * weights);
}

UnitModel::~UnitModel() = default;

std::size_t UnitModel::index_of_tensor(int tensor) const {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    if (layers_[i]->layer->output == tensor) return i;
  SHIFTSIM_CHECK(false, "tensor {} is not made in unit {}", tensor, unit_.name);
}

void UnitModel::set_weights(int layer, std::span<const float> weight, std::span<const float> bias) {
  layers_[index(layer)]->op.set_weights(weight, bias);
}

void UnitModel::set_residual_steps(int layer, std::span<const float> steps) {
  layers_[index(layer)]->op.set_residual_steps(steps);
}

void UnitModel::set_layer(const QuantizedNetwork& network, int layer) {
  const auto index = static_cast<std::size_t>(layer);
  const AccumulatorRounding rounding(network, index);
  set_weights(layer, network.layers[index].weights(), rounding.biases(network.layers[index].bias));
  set_residual_steps(layer, rounding.residual_steps());
}

void UnitModel::set_quantizer(int tensor, const TensorQuantizer& quantizer) {
  LayerState& state = *layers_[index_of_tensor(tensor)];
  if (state.quantizer == quantizer) return;
  state.quantizer = quantizer;
  const PlannedTensor& planned = plan_.tensor(tensor);
  const auto channels = static_cast<std::size_t>(planned.shape.channels);
  kernels::Quantization& q = state.quantization;
  const std::size_t period = q.period;
  q.enabled = quantizer.enabled;
  if (!q.enabled) return;
  q.keep = quantizer.keep >= 1 ? ~0u : static_cast<std::uint32_t>(quantizer.keep * 4294967295.0);
  q.weighted = quantizer.weighted;
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
  return layers_[index_of_tensor(tensor)]->quantizer;
}

const float* UnitModel::source(const Area& area, int tensor) const {
  const auto found = std::find(unit_.inputs.begin(), unit_.inputs.end(), tensor);
  if (found != unit_.inputs.end()) return area.inputs[static_cast<std::size_t>(found - unit_.inputs.begin())];
  return area.value(index_of_tensor(tensor));
}

UnitModel::Area& UnitModel::area_of(std::size_t slot) const {
  Area& area = *areas_[slots_[slot]->area];
  SHIFTSIM_CHECK(area.slot == slot, "unit {}: the area of slot {} is that of slot {} by now", unit_.name, slot,
                 area.slot);
  return area;
}

const float* UnitModel::forward(Place at, const std::vector<const float*>& inputs, std::size_t images,
                                std::uint32_t seed) {
  SHIFTSIM_CHECK(images <= chunk_ && inputs.size() == unit_.inputs.size(), "unit {}: {} images, {} inputs", unit_.name,
                 images, inputs.size());
  slots_[at.slot]->area = at.area;
  Area& area = *areas_[at.area];
  area.slot = at.slot;
  area.inputs = inputs;
  area.images = images;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const LayerState& state = *layers_[i];
    const PlannedLayer& layer = *state.layer;
    const std::size_t count = images * plan_.tensor(layer.output).shape.size();
    float* const raw = area.raw(i);
    const float* residual = layer.residual >= 0 ? source(area, layer.residual) : nullptr;
    state.op.forward(source(area, layer.input), residual, raw, images, area.scratch);
    kernels::Quantization& quantization = area.tensors[i].quantization;
    quantization = state.quantization;
    quantization.seed = seed + 0x632be59bu * static_cast<std::uint32_t>(i + 1);
    kernels::quantize(quantization, raw, area.value(i), count);
  }
  return area.value(layers_.size() - 1);
}

void UnitModel::backward(std::size_t slot_index, float* output_gradient, bool weights,
                         std::span<const float* const> hints) {
  Slot& slot = *slots_[slot_index];
  Area& area = area_of(slot_index);
  const std::size_t images = area.images;
  for (Area::Tensor& tensor : area.tensors) tensor.has_gradient = false;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const LayerState& state = *layers_[i];
    const PlannedLayer& layer = *state.layer;
    Slot::Gradients& sums = slot.layers[i];
    const std::size_t count = images * plan_.tensor(layer.output).shape.size();
    float* const gradient = i + 1 == layers_.size() ? output_gradient : area.gradient(i);
    if (!hints.empty() && hints[i] != nullptr) kernels::add(gradient, hints[i], count);
    backward_quantizer(area.tensors[i].quantization, area.raw(i), gradient, count, sums.repeated_step, sums.step);
    // The first reader to come sets a tensor's gradient, others add.
    if (state.needs_residual_gradient) {
      const std::size_t to = index_of_tensor(layer.residual);
      const bool adds = std::exchange(area.tensors[to].has_gradient, true);
      state.op.backward_residual(gradient, area.gradient(to), adds, images);
    }
    const float* from = source(area, layer.input);
    if (weights) state.op.backward_weights(from, gradient, sums.weight.data(), sums.bias.data(), images, area.scratch);
    if (!state.needs_input_gradient) continue;
    const std::size_t input = index_of_tensor(layer.input);
    const bool adds = std::exchange(area.tensors[input].has_gradient, true);
    state.op.backward_input(from, gradient, {area.gradient(input), adds, area.share(i)}, images, area.scratch);
  }
}

std::span<const float> UnitModel::weight_gradient(std::size_t slot, int layer) const {
  return slots_[slot]->layers[index(layer)].weight;
}
std::span<const float> UnitModel::bias_gradient(std::size_t slot, int layer) const {
  return slots_[slot]->layers[index(layer)].bias;
}
std::span<const float> UnitModel::step_gradient(std::size_t slot, int tensor) const {
  return slots_[slot]->layers[index_of_tensor(tensor)].step;
}
std::span<const float> UnitModel::values(std::size_t slot, int tensor, bool raw) const {
  SHIFTSIM_CHECK(
      use_ == Use::kTraining || (!raw && (tensor == unit_.output || std::ranges::find(kept_, tensor) != kept_.end())),
      "unit {}: tensor {} is not kept", unit_.name, tensor);
  const Area& area = area_of(slot);
  const std::size_t i = index_of_tensor(tensor);
  return {raw ? area.raw(i) : area.value(i), area.images * plan_.tensor(tensor).shape.size()};
}

}  // namespace shiftsim::quantizer
