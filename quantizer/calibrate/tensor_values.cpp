#include "quantizer/calibrate/tensor_values.h"

#include <algorithm>

#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/plan/image_input.h"

namespace shiftsim::quantizer {

TensorValues::TensorValues(const Plan& plan, ThreadPool& workers, ActivationMemory& memory)
    : plan_(plan),
      workers_(workers),
      memory_(memory),
      values_(plan.tensors.size()),
      last_reader_(plan.tensors.size(), 0) {
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    for (const int tensor : {plan.layers[i].input, plan.layers[i].residual})
      if (tensor >= 0) last_reader_[static_cast<std::size_t>(tensor)] = i;
}

void TensorValues::load(const ImageSet& images, const std::vector<std::size_t>& chosen,
                        const std::vector<std::size_t>& mirrored) {
  images_ = chosen.size() + mirrored.size();
  const std::size_t size = images.image_size();
  Block target = memory_.allocate(images_ * size);
  float* to = target.data();
  for (const auto* const list : {&chosen, &mirrored})
    for (const std::size_t image : *list) {
      place_image(plan_, images.image(image), 0, 0, list == &mirrored, to);
      to += size;
    }
  set(0, std::move(target));
}

void TensorValues::set_copy(int tensor, const Block& values) {
  of(tensor) = memory_.allocate(values.size());
  std::copy_n(values.data(), values.size(), of(tensor).data());
}

void TensorValues::release(std::size_t layer) {
  for (std::size_t tensor = 0; tensor < values_.size(); ++tensor)
    if (last_reader_[tensor] <= layer && plan_.layers[layer].output != static_cast<int>(tensor)) values_[tensor] = {};
}

LayerOp TensorValues::op_of(const PlannedLayer& layer) {
  return {layer.in_float(), images_of_a_call(std::max(layer.geometry.input.size(), layer.geometry.output.size()))};
}

TensorValues::Block TensorValues::forward(const PlannedLayer& layer, const LayerOp& op) const {
  const float* const source = of(layer.input).data();
  const float* const residual = layer.residual >= 0 ? of(layer.residual).data() : nullptr;
  const std::size_t in = layer.geometry.input.size(), out = layer.geometry.output.size(), chunk = op.chunk();
  const std::size_t residual_size = layer.residual >= 0 ? plan_.tensor(layer.residual).shape.size() : 0;
  Block result = memory_.allocate(images_ * out);
  workers_.run((images_ + chunk - 1) / chunk, [&](std::size_t index, std::size_t) {
    const std::size_t first = index * chunk;
    ConvScratch scratch;
    op.forward(source + first * in, residual == nullptr ? nullptr : residual + first * residual_size,
               result.data() + first * out, std::min(chunk, images_ - first), scratch);
  });
  return result;
}

void TensorValues::activate(const PlannedLayer& layer, Block& values, std::span<const float> correction) const {
  const auto channels = static_cast<std::size_t>(layer.geometry.output.channels);
  const std::size_t block = 128 * channels;  // stays in the cache
  workers_.run((values.size() + block - 1) / block, [&](std::size_t i, std::size_t) {
    float* const from = values.data() + i * block;
    const std::size_t count = std::min(block, values.size() - i * block);
    if (!correction.empty())
      for (std::size_t row = 0; row < count; row += channels) kernels::add(from + row, correction.data(), channels);
    plan_.activate(layer, from, count);
  });
}

TensorValues::Block TensorValues::forward_float(const PlannedLayer& layer, LayerOp& op) const {
  op.set_weights(layer.weight, layer.bias);
  op.set_residual_steps({});
  Block result = forward(layer, op);
  activate(layer, result);
  return result;
}

void TensorValues::run(const PlannedLayer& layer) {
  LayerOp op = op_of(layer);
  set(layer.output, forward_float(layer, op));
}

}  // namespace shiftsim::quantizer
