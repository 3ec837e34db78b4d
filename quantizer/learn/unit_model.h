// A reconstruction unit, forward and backward, over chunks of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quantizer/learn/unit_buffers.h"
#include "quantizer/plan/plan.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/plan/units.h"

namespace shiftsim::quantizer {

/// How a tensor is quantized inside the unit.
struct TensorQuantizer {
  bool enabled = false;
  double keep = 1;            ///< QDrop: probability that an element is quantized and does not stay float
  std::vector<double> steps;  ///< one, or one per channel
  bool weighted = false;      ///< AE-QDrop: in place of that, a random share of each element is quantized

  bool operator==(const TensorQuantizer&) const = default;
};

/// The layers of a unit with differentiable quantizers between them. A batch is cut into chunks that are computed
/// independently, each with gradients of its own ('slot'). Chunks' gradients are summed by the caller, in order, so
/// that the sum does not depend on the threads. Values stand in 'areas': as many slots may run at a time as there are
/// areas, each in another one.
class UnitModel {
public:
  using Use = UnitUse;  ///< with kInference backward() must not be called

  /// 'plan' must outlive the model. 'chunk': images of a slot. 'areas': 0 for one a slot.
  UnitModel(const Plan& plan, const Unit& unit, std::size_t chunk, std::size_t slots, Use use = Use::kTraining,
            std::size_t areas = 0);
  ~UnitModel();

  /// Bytes that such a model takes.
  static std::size_t memory(const Plan& plan, const Unit& unit, std::size_t chunk, std::size_t slots, Use use,
                            std::size_t areas);

  const Unit& unit() const { return unit_; }
  std::size_t chunk() const { return chunk_; }
  std::size_t slots() const { return slots_.size(); }
  std::size_t areas() const { return areas_.size(); }

  /// For inference: tensors whose values() will be asked for, beside the unit's output. Not behind a forward().
  void keep(const std::vector<int>& tensors);

  /// A layer's weights (plan order) and bias; 'layer' counts in the plan. Not while a slot runs.
  void set_weights(int layer, std::span<const float> weight, std::span<const float> bias);
  /// Per channel, what its residual is rounded to multiples of (AccumulatorRounding); empty: nothing. The gradient
  /// passes straight through.
  void set_residual_steps(int layer, std::span<const float> steps);
  /// Weights, bias and residual steps as the integer network has them.
  void set_layer(const QuantizedNetwork& network, int layer);
  /// For the output of one of the unit's layers.
  void set_quantizer(int tensor, const TensorQuantizer& quantizer);
  const TensorQuantizer& quantizer(int tensor) const;

  /// A slot, and the area that it works in: the same until all was asked that is to be known of it.
  struct Place {
    std::size_t slot, area;
    Place(std::size_t of_slot) : slot(of_slot), area(of_slot) {}  // NOLINT: a slot in its own area
    Place(std::size_t of_slot, std::size_t in_area) : slot(of_slot), area(in_area) {}
  };

  /// For a slot that this of several threads runs: in the slot's own area where there is one for each, else in the
  /// thread's.
  Place place(std::size_t slot, std::size_t thread) const {
    return {slot, areas_.size() == slots_.size() ? slot : thread};
  }

  /// Computes the unit's output over 'images' of the chunk; inputs as unit().inputs. 'seed': of the random choices of
  /// QDrop, another one for each slot and iteration. Returns a buffer of the area.
  const float* forward(Place at, const std::vector<const float*>& inputs, std::size_t images, std::uint32_t seed);
  /// Gradients after forward(), given that with regard to the output, which is overwritten. Weights' and steps'
  /// gradients are set, not added to. 'hints': for each layer of the unit a gradient with regard to its output that
  /// comes from a loss of its own and is added, or null; empty: none.
  void backward(std::size_t slot, float* output_gradient, bool weights, std::span<const float* const> hints = {});

  /// Gradients of a slot: [weights] and [channels] of a layer, and with regard to a tensor's steps, one per channel.
  std::span<const float> weight_gradient(std::size_t slot, int layer) const;
  std::span<const float> bias_gradient(std::size_t slot, int layer) const;
  std::span<const float> step_gradient(std::size_t slot, int tensor) const;
  /// A tensor's values after forward(): before the activation function ('raw') or after its quantizer.
  std::span<const float> values(std::size_t slot, int tensor, bool raw) const;

private:
  struct LayerState;
  struct Slot;
  struct Area;

  std::size_t index(int layer) const { return static_cast<std::size_t>(layer - unit_.first); }
  std::size_t index_of_tensor(int tensor) const;
  void make_areas(const std::vector<int>& kept);
  const float* source(const Area& area, int tensor) const;
  Area& area_of(std::size_t slot) const;

  const Plan& plan_;
  Unit unit_;
  std::size_t chunk_;
  Use use_;
  std::vector<int> kept_;
  std::unique_ptr<UnitLayout> layout_;
  std::vector<std::unique_ptr<LayerState>> layers_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::unique_ptr<Area>> areas_;
};

}  // namespace shiftsim::quantizer
