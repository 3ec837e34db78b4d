// What a diagnosis looks at: a quantized network and the float one, executed side by side on images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "qnet/bounds.h"
#include "qnet/network.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Both networks, layer by layer. A tensor's values live from run() of the layer that makes it to release().
class ObservedNetwork {
public:
  using Codes = std::vector<std::int32_t>;
  using Values = std::vector<float>;

  virtual ~ObservedNetwork() = default;

  /// Executes a layer in both networks, on all images.
  virtual void run(std::size_t layer) = 0;
  /// Frees what no layer behind 'layer' reads.
  virtual void release(std::size_t layer) = 0;

  /// A tensor's values of an image in the float network, and in the quantized one; of the image: pixel - pad_value.
  std::span<const float> reference(int tensor, std::size_t image) const;
  virtual Values quantized(int tensor, std::size_t image) const = 0;
  virtual Codes codes(int tensor, std::size_t image) const = 0;

  /// All images of a tensor in the float network.
  virtual std::span<const float> reference(int tensor) const = 0;

  /// A layer's output in the quantized network before its requantization.
  struct Unrounded {
    Values values;
    std::size_t ties = 0;        ///< values whose code the rule for ties decides
    qnet::Interval accumulator;  ///< the accumulators seen
  };
  /// Of the layer last run; of one that requantizes.
  virtual Unrounded unrounded(std::size_t layer, std::size_t image) const = 0;

protected:
  explicit ObservedNetwork(const Plan& plan) : plan_(plan) {}
  const Plan& plan_;
};

/// What both kinds work with; all of it must outlive them.
struct Observation {
  const QuantizedNetwork& network;
  const ImageSet& images;
  const std::vector<std::size_t>& chosen;
  ThreadPool& workers;
  ActivationMemory& memory;
};

std::unique_ptr<ObservedNetwork> observe_integers(const Observation& observation, const qnet::Network& integers);
/// Fake-quantized, as free scales are.
std::unique_ptr<ObservedNetwork> observe_fake_quantized(const Observation& observation, const Recipe& recipe);

/// One image through a layer by 'op', activation function included.
std::vector<float> run_layer(const Plan& plan, const PlannedLayer& layer, const LayerOp& op,
                             std::span<const float> input, std::span<const float> residual);

}  // namespace shiftsim::quantizer
