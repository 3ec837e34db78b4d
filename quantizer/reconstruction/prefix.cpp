#include "quantizer/reconstruction/prefix.h"

#include <algorithm>

namespace shiftsim::quantizer {

namespace {
constexpr std::size_t kChunk = 4;  // small: ImageNet networks need 60 MB an image
}

void set_float(UnitModel& model, const Plan& plan) {
  for (int i = model.unit().first; i <= model.unit().last; ++i) {
    const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
    if (layer.kind == qnet::LayerKind::kConv) model.set_weights(i, layer.weight, layer.bias);
  }
}

void set_quantized(UnitModel& model, const QuantizedNetwork& network, bool quantize_activations) {
  for (int i = model.unit().first; i <= model.unit().last; ++i) {
    const PlannedLayer& layer = network.plan.layers[static_cast<std::size_t>(i)];
    const QuantizedLayer& values = network.layers[static_cast<std::size_t>(i)];
    if (layer.kind == qnet::LayerKind::kConv)
      model.set_weights(i, values.weights(), std::vector<float>(values.bias.begin(), values.bias.end()));
    if (quantize_activations && layer.kind != qnet::LayerKind::kMaxPool && !network.plan.tensor(layer.output).is_logits)
      model.set_quantizer(layer.output, {true, 1, network.steps(layer.output)});
  }
}

std::vector<ActivationMemory::Block> run_prefix(const Plan& plan, int layer, const std::vector<int>& tensors,
                                                std::size_t images, const ShowImage& show,
                                                const std::function<void(UnitModel&)>& set_up, Workers& workers,
                                                ActivationMemory& memory) {
  std::vector<ActivationMemory::Block> result;
  for (const int tensor : tensors) result.push_back(memory.allocate(images * plan.tensor(tensor).shape.size()));
  const Unit prefix{0, layer - 1, {0}, plan.layers[static_cast<std::size_t>(layer - 1)].output, "prefix"};
  const auto slots = static_cast<std::size_t>(workers.threads());
  UnitModel model(plan, prefix, kChunk, slots, UnitModel::Use::kInference);
  set_up(model);
  const std::size_t size = plan.tensor(0).shape.size();
  std::vector<std::vector<float>> pixels(slots, std::vector<float>(kChunk * size));
  for (std::size_t round = 0; round < images; round += kChunk * slots)
    workers.run(slots, [&](std::size_t slot, std::size_t) {
      const std::size_t first = round + slot * kChunk;
      if (first >= images) return;
      const std::size_t count = std::min(kChunk, images - first);
      for (std::size_t j = 0; j < count; ++j) show(first + j, pixels[slot].data() + j * size);
      model.forward(slot, {pixels[slot].data()}, count, 0);
      for (std::size_t t = 0; t < tensors.size(); ++t) {
        const std::span<const float> values = model.values(slot, tensors[t], false);
        std::copy(values.begin(), values.end(), result[t].data() + first * plan.tensor(tensors[t]).shape.size());
      }
    });
  return result;
}

}  // namespace shiftsim::quantizer
