// Calibration: one layer after another, exponents and weight grids by search on calibration images.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Indices of 'count' different images out of 'available', drawn with this seed; all of them where there are no more. A
/// smaller draw with the same seed is the beginning of a larger one.
std::vector<std::size_t> choose_images(std::size_t available, std::size_t count, std::int64_t seed);

/// What is to be done with a layer.
struct LayerTask {
  bool search_weights = true;                     ///< grids by search, weights rounded to nearest; else those at hand
  bool search_activations = true;                 ///< the output's scale by search; else that at hand
  bool quantize_activations = true;               ///< else the output stays as it is
  std::optional<int> weight_bits = std::nullopt;  ///< to search with, in place of the plan's
};

/// The activations of the calibration images, in the float network and in the quantized one, while layers are decided
/// in order. Tensors live from the layer that makes them to release().
class Calibrator {
public:
  /// All arguments must outlive the calibrator; 'network' gets what is decided.
  Calibrator(QuantizedNetwork& network, const Recipe& recipe, ThreadPool& workers, ActivationMemory& memory);
  ~Calibrator();

  /// Bytes that run() takes at its peak beside the activations.
  static std::size_t memory(const Plan& plan, const Recipe& recipe, std::size_t images);

  /// Sets the image tensor: pixel - pad_value.
  void load(const ImageSet& images, const std::vector<std::size_t>& chosen);
  std::size_t images() const;

  /// Decides layer i (weights, bias, output's scale) as the task says and computes its output in both networks. With
  /// searched weights the bias starts at the float network's, else at QuantizedLayer::learned_bias; bias correction
  /// follows where the recipe wants it. Channels that would leave the contract's widths are searched again.
  void run(std::size_t layer, const LayerTask& task);

  /// Computes layer i's output in the float network only.
  void run_float(std::size_t layer);

  /// Activations of all images [images][height][width][channels].
  const ActivationMemory::Block& quantized(int tensor) const;
  const ActivationMemory::Block& reference(int tensor) const;

  /// The quantized network's tensor becomes a copy of the float network's: what reads it sees no error from before.
  void use_reference(int tensor);

  /// Frees what no layer behind 'layer' reads.
  void release(std::size_t layer);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shiftsim::quantizer
