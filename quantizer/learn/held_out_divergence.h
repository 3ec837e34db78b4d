// How far a quantized network's output is from the float network's, on calibration images.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "common/images.h"
#include "common/thread_pool.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

class HeldOutDivergence {
public:
  /// Runs the float network over the images 'chosen' out of 'images'. All arguments but 'chosen' must outlive this
  /// object.
  HeldOutDivergence(const Plan& plan, const ImageSet& images, std::vector<std::size_t> chosen, ThreadPool& workers);

  /// Bytes that such an object takes, what start_at() keeps left out.
  static std::size_t memory(const Plan& plan, std::size_t images, int threads);

  /// From now on the network that is measured, all of it. Parts of it may be set again, alone.
  void set(const QuantizedNetwork& network);
  void set_layer(const QuantizedNetwork& network, std::size_t layer);
  /// Its steps, and what their change does to the rounding of biases and residuals in what reads it.
  void set_tensor(const QuantizedNetwork& network, int tensor);

  /// From now on no layer of the blocks (partition()) before that of 'layer' changes any more, until set(): what they
  /// make is computed once more, kept in 'memory', and where loss() starts. 'network': what this was set to. Where
  /// it starts behind 'layer' already, nothing happens. The loss stays the same.
  void start_at(const QuantizedNetwork& network, std::size_t layer, ActivationMemory& memory);
  /// The images in the order of how far the network is from the float one on them, the farthest first: loss() reaches a
  /// limit sooner. For an object that was set, and not told to start anywhere.
  void hardest_first();

  /// Divergence of softmax(logits) from the float network's, nats, mean over the images. The same at any number of
  /// threads. One that is not below 'limit' may be found by some of the images: then it is anything not below 'limit'.
  double loss(double limit = std::numeric_limits<double>::infinity());

private:
  void start_with(const Unit& rest);
  void set_from_start(const QuantizedNetwork& network);
  void set_readers(const QuantizedNetwork& network, int tensor);
  std::vector<double> divergences(double limit);
  template <typename Each>
  void run(Each each, const std::function<bool(std::size_t)>& is_enough = {});

  const Plan& plan_;
  const ImageSet& images_;
  std::vector<std::size_t> chosen_;
  ThreadPool& workers_;
  Unit whole_, rest_;                 ///< all layers; from where loss() starts
  ActivationMemory::Block kept_;      ///< what 'rest_' reads, by image, unless that is pixels
  std::unique_ptr<UnitModel> model_;  ///< of 'rest_'
  std::size_t classes_;
  std::vector<std::vector<float>> pixels_;  ///< by slot
  std::vector<float> targets_;              ///< float logits
};

}  // namespace shiftsim::quantizer
