// How far a quantized network's output is from the float network's, on calibration images.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/images.h"
#include "quantizer/parallel.h"
#include "quantizer/quantized_network.h"
#include "quantizer/reconstruction/unit_model.h"

namespace shiftsim::quantizer {

class NetworkJudge {
public:
  /// Runs the float network over the images 'chosen' out of 'images'. All arguments but 'chosen' must outlive the
  /// judge.
  NetworkJudge(const Plan& plan, const ImageSet& images, std::vector<std::size_t> chosen, Workers& workers);

  /// From now on the network judged. Parts of it may be set again, alone.
  void set(const QuantizedNetwork& network);
  void set_layer(const QuantizedNetwork& network, std::size_t layer);
  /// Its steps, and what their change does to the rounding of biases and residuals in what reads it.
  void set_tensor(const QuantizedNetwork& network, int tensor);

  /// Divergence of softmax(logits) from the float network's, nats, mean over the images. The same at any number of
  /// threads.
  double loss();

private:
  void set_readers(const QuantizedNetwork& network, int tensor);
  template <typename Each>
  void run(Each each);

  const Plan& plan_;
  const ImageSet& images_;
  std::vector<std::size_t> chosen_;
  Workers& workers_;
  Unit whole_;
  UnitModel model_;
  std::size_t classes_;
  std::vector<std::vector<float>> pixels_;  ///< by slot
  std::vector<float> targets_;              ///< float logits
};

}  // namespace shiftsim::quantizer
