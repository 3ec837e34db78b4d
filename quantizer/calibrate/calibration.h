// Calibration: one layer after another, exponents and weight quantizers by search on calibration images.
#pragma once

#include <optional>
#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "quantizer/calibrate/activation_scales.h"
#include "quantizer/calibrate/tensor_values.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// What is to be done with a layer.
struct LayerTask {
  bool search_weights = true;        ///< quantizers by search, weights rounded to nearest; else those at hand
  bool search_activations = true;    ///< the output's scale by search; else that at hand
  bool quantize_activations = true;  ///< else the output stays as it is
  std::optional<int> weight_bits = std::nullopt;  ///< to search with, in place of the plan's
};

/// Decides layers in order, and has the activations of the calibration images, in the float network and in the
/// quantized one, while it does. Tensors live from the layer that makes them to release().
class Calibrator {
public:
  /// All arguments must outlive the calibrator; 'network' gets what is decided.
  Calibrator(QuantizedNetwork& network, const Recipe& recipe, ThreadPool& workers, ActivationMemory& memory);

  /// Bytes that run() takes at its peak beside the activations.
  static std::size_t memory(const Plan& plan, const Recipe& recipe, std::size_t images);

  /// The images 'chosen', and behind them those of 'mirrored', mirrored.
  void load(const ImageSet& images, const std::vector<std::size_t>& chosen,
            const std::vector<std::size_t>& mirrored = {});
  std::size_t images() const { return reference_.images(); }

  /// Decides layer i (weights, bias, output's scale) as the task says and computes its output in both networks. With
  /// searched weights the bias starts at the float network's, else at QuantizedLayer::learned_bias; bias correction
  /// follows where the recipe wants it. Channels that would leave the contract's widths are searched again.
  void run(std::size_t layer, const LayerTask& task);

  const ActivationMemory::Block& quantized(int tensor) const { return quantized_.of(tensor); }
  const ActivationMemory::Block& reference(int tensor) const { return reference_.of(tensor); }

  /// The quantized network's tensor becomes a copy of the float network's: what reads it sees no error from before.
  void use_reference(int tensor) { quantized_.set_copy(tensor, reference_.of(tensor)); }

  /// Frees what no layer behind 'layer' reads.
  void release(std::size_t layer);

private:
  using Values = TensorValues::Block;

  void run_weighted(std::size_t layer, const LayerTask& task);
  void run_unweighted(std::size_t layer, const LayerTask& task);
  void settle(std::size_t layer, const LayerTask& task, LayerOp& op, const Values& reference);
  Values output(std::size_t layer, const LayerTask& task, LayerOp& op, const Values& reference);
  void search_scale(int tensor, const Values& reference, const Values& quantized);

  QuantizedNetwork& network_;
  const Plan& plan_;
  const Recipe& recipe_;
  ThreadPool& workers_;
  TensorValues quantized_, reference_;
  ActivationScales scales_;
};

}  // namespace shiftsim::quantizer
