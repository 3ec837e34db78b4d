// The float network with other weights in one layer at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// The float network, any one layer of which may have other weights. Only what depends on that layer is computed again,
/// from the float activations, so that one pass over the images serves all layers.
class VariantNetwork {
public:
  /// 'plan' must outlive it. 'chunk': images of a slot; slots may run in parallel.
  VariantNetwork(const Plan& plan, std::size_t chunk, std::size_t slots);
  ~VariantNetwork();

  /// Adds other weights for a layer (plan order) and gives their number.
  std::size_t add_variant(std::size_t layer, std::span<const float> weight, std::span<const float> bias);

  std::size_t chunk() const;
  /// The logits [images][classes] of the float network; keeps all activations. Pixels as the first layer sees them:
  /// pixel - pad_value. Valid until the slot's next forward().
  std::span<const float> forward(std::size_t slot, const float* pixels, std::size_t images);
  /// The logits with this variant, after forward(), for the same images. Valid until the slot's next call of this.
  std::span<const float> forward_variant(std::size_t slot, std::size_t variant);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shiftsim::quantizer
