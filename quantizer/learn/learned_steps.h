// The scale of one activation tensor while it is learned.
#pragma once

#include <vector>

#include "quantizer/learn/learned.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// log2 of the steps, one or one per channel. The forward pass knows legal steps only, powers of two unless scales are
/// free; the gradient passes straight through that rounding (TQT, Jain et al. 2020).
class LearnedSteps {
public:
  /// Starts where the network is.
  LearnedSteps(const QuantizedNetwork& network, int tensor, bool free_scales);

  int tensor() const { return tensor_; }
  std::vector<double> steps() const;
  /// One step of Adam with the gradients of all of the model's slots. 'step' counts from 1.
  void learn(const UnitModel& model, double rate, int step);

private:
  int tensor_;
  bool free_scales_;
  Learned log_step_;
};

}  // namespace shiftsim::quantizer
