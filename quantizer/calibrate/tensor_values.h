// The activations of the calibration images while a network is executed layer by layer.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/float/layer_op.h"
#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// A network's tensors over all images, [images][height][width][channels]. A tensor lives from set() to release().
class TensorValues {
public:
  using Block = ActivationMemory::Block;

  /// All arguments must outlive it.
  TensorValues(const Plan& plan, ThreadPool& workers, ActivationMemory& memory);

  /// Sets the image tensor: pixel - pad_value. Behind the images 'chosen' stand those of 'mirrored', mirrored.
  void load(const ImageSet& images, const std::vector<std::size_t>& chosen,
            const std::vector<std::size_t>& mirrored = {});
  std::size_t images() const { return images_; }

  const Block& of(int tensor) const { return values_[static_cast<std::size_t>(tensor)]; }
  Block& of(int tensor) { return values_[static_cast<std::size_t>(tensor)]; }
  void set(int tensor, Block values) { of(tensor) = std::move(values); }
  void set_copy(int tensor, const Block& values);

  /// Frees what no layer behind 'layer' reads, but for that layer's own output.
  void release(std::size_t layer);

  /// An executor of the layer with chunks that suit it.
  static LayerOp op_of(const PlannedLayer& layer);
  /// The layer's output by 'op', before its activation function.
  Block forward(const PlannedLayer& layer, const LayerOp& op) const;
  /// The activation function of values to which 'correction', by channel, is added first, where there is one.
  void activate(const PlannedLayer& layer, Block& values, std::span<const float> correction = {}) const;
  /// The layer's output with the float weights.
  Block forward_float(const PlannedLayer& layer, LayerOp& op) const;
  /// Sets the layer's output, of the float weights where it has weights.
  void run(const PlannedLayer& layer);

private:
  const Plan& plan_;
  ThreadPool& workers_;
  ActivationMemory& memory_;
  std::size_t images_ = 0;
  std::vector<Block> values_;             ///< by tensor; empty once nobody reads them any more
  std::vector<std::size_t> last_reader_;  ///< by tensor: a layer
};

}  // namespace shiftsim::quantizer
