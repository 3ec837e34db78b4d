// A unit as the network has it, with rounded weights and scales: what learning is judged by.
#pragma once

#include <vector>

#include "common/thread_pool.h"
#include "quantizer/learn/unit_batches.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

class HardUnit {
public:
  /// 'layers' of the plan with weights, 'tensors' with scales of their own. 'quantized': activations are, in the unit.
  /// All but these three must outlive it.
  HardUnit(QuantizedNetwork& network, UnitModel& model, UnitBatches& batches, ThreadPool& workers,
           std::vector<int> layers, std::vector<int> tensors, bool quantized);

  /// The model computes with the network's values from now on.
  void set();
  /// Mean over a few batches, always the same.
  double loss();

  struct Values {
    std::vector<QuantizedLayer> layers;
    std::vector<std::vector<double>> steps;
  };
  Values values() const;
  void restore(const Values& values);

  /// Tries each tensor's exponents one up and one down, all channels together, codes kept. Takes what lowers 'loss',
  /// which is that of now.
  void move_exponents(double& loss);

private:
  QuantizedLayer& target(int layer) const { return network_.layers[static_cast<std::size_t>(layer)]; }

  QuantizedNetwork& network_;
  UnitModel& model_;
  UnitBatches& batches_;
  ThreadPool& workers_;
  std::vector<int> layers_, tensors_;
  bool quantized_;
};

}  // namespace shiftsim::quantizer
