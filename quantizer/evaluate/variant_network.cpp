#include "quantizer/evaluate/variant_network.h"

#include <vector>

#include "common/error.h"
#include "common/index.h"
#include "quantizer/float/layer_op.h"

namespace shiftsim::quantizer {

struct VariantNetwork::Impl {
  struct Variant {
    std::size_t layer;
    LayerOp op;
  };
  struct Slot {
    const float* pixels = nullptr;
    std::size_t images = 0;
    std::vector<std::vector<float>> exact, changed;  ///< by tensor; [0] is not used
    std::vector<bool> is_changed;
    ConvScratch scratch;
  };

  const Plan& plan_;
  std::size_t chunk_;
  std::vector<LayerOp> layers_;  ///< with the float weights
  std::vector<Variant> variants_;
  std::vector<Slot> slots_;

  Impl(const Plan& plan, std::size_t chunk, std::size_t slots) : plan_(plan), chunk_(chunk), slots_(slots) {
    layers_.reserve(plan.layers.size());
    for (const PlannedLayer& layer : plan.layers)
      layers_.emplace_back(layer.in_float(), chunk).set_weights(layer.weight, layer.bias);
    for (Slot& slot : slots_) {
      for (auto* values : {&slot.exact, &slot.changed}) {
        values->resize(plan.tensors.size());
        for (std::size_t t = 1; t < plan.tensors.size(); ++t) (*values)[t].resize(chunk * plan.tensors[t].shape.size());
      }
      slot.is_changed.resize(plan.tensors.size());
    }
  }

  static const float* source(const Slot& slot, int tensor) {
    if (tensor == 0) return slot.pixels;
    return (slot.is_changed[index(tensor)] ? slot.changed : slot.exact)[index(tensor)].data();
  }

  /// One layer over the slot's images, by 'op'.
  void run(Slot& slot, const PlannedLayer& layer, const LayerOp& op, float* out) const {
    const float* residual = layer.residual >= 0 ? source(slot, layer.residual) : nullptr;
    op.forward(source(slot, layer.input), residual, out, slot.images, slot.scratch);
    plan_.activate(layer, out, slot.images * plan_.tensor(layer.output).shape.size());
  }

  std::span<const float> logits(const Slot& slot) const {
    const int tensor = plan_.layers.back().output;
    return {source(slot, tensor), slot.images * plan_.tensor(tensor).shape.size()};
  }
};

VariantNetwork::VariantNetwork(const Plan& plan, std::size_t chunk, std::size_t slots)
    : impl_(std::make_unique<Impl>(plan, chunk, slots)) {}
VariantNetwork::~VariantNetwork() = default;

std::size_t VariantNetwork::add_variant(std::size_t layer, std::span<const float> weight, std::span<const float> bias) {
  impl_->variants_.push_back({layer, LayerOp(impl_->plan_.layers[layer].in_float(), impl_->chunk_)});
  impl_->variants_.back().op.set_weights(weight, bias);
  return impl_->variants_.size() - 1;
}

std::size_t VariantNetwork::chunk() const {
  return impl_->chunk_;
}

std::span<const float> VariantNetwork::forward(std::size_t slot_index, const float* pixels, std::size_t images) {
  SHIFTSIM_CHECK(images <= impl_->chunk_, "{} images in a chunk of {}", images, impl_->chunk_);
  Impl::Slot& slot = impl_->slots_[slot_index];
  slot.pixels = pixels;
  slot.images = images;
  slot.is_changed.assign(slot.is_changed.size(), false);
  const Plan& plan = impl_->plan_;
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    impl_->run(slot, plan.layers[i], impl_->layers_[i], slot.exact[index(plan.layers[i].output)].data());
  return impl_->logits(slot);
}

std::span<const float> VariantNetwork::forward_variant(std::size_t slot_index, std::size_t variant) {
  Impl::Slot& slot = impl_->slots_[slot_index];
  const Impl::Variant& what = impl_->variants_[variant];
  const Plan& plan = impl_->plan_;
  slot.is_changed.assign(slot.is_changed.size(), false);
  for (std::size_t i = what.layer; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    const bool depends =
        slot.is_changed[index(layer.input)] || (layer.residual >= 0 && slot.is_changed[index(layer.residual)]);
    if (i != what.layer && !depends) continue;
    impl_->run(slot, layer, i == what.layer ? what.op : impl_->layers_[i], slot.changed[index(layer.output)].data());
    slot.is_changed[index(layer.output)] = true;
  }
  return impl_->logits(slot);
}

}  // namespace shiftsim::quantizer
