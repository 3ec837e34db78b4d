#include "quantizer/learn/hard_unit.h"

#include <utility>

#include "quantizer/plan/accumulator_rounding.h"

namespace shiftsim::quantizer {

HardUnit::HardUnit(QuantizedNetwork& network, UnitModel& model, UnitBatches& batches, ThreadPool& workers,
                   std::vector<int> layers, std::vector<int> tensors, bool quantized)
    : network_(network),
      model_(model),
      batches_(batches),
      workers_(workers),
      layers_(std::move(layers)),
      tensors_(std::move(tensors)),
      quantized_(quantized) {}

void HardUnit::set() {
  for (const int layer : layers_) {
    // Biases are corrected, and rounded, when the unit is done.
    model_.set_weights(layer, target(layer).weights(), target(layer).learned_bias);
    if (quantized_)
      model_.set_residual_steps(layer, AccumulatorRounding(network_, static_cast<std::size_t>(layer)).residual_steps());
  }
  for (const int tensor : tensors_) model_.set_quantizer(tensor, {quantized_, 1, network_.steps(tensor)});
}

double HardUnit::loss() {
  constexpr std::uint64_t kBatches = 8, kFirst = std::uint64_t{1} << 40;
  double total = 0;
  for (std::uint64_t batch = 0; batch < kBatches; ++batch) {
    batches_.draw(kFirst + batch, 0);
    workers_.run(model_.slots(), [&](std::size_t slot, std::size_t thread) {
      batches_.forward_loss(model_.place(slot, thread), kFirst + batch);
    });
    total += batches_.loss();
  }
  return total / static_cast<double>(kBatches);
}

HardUnit::Values HardUnit::values() const {
  Values values;
  for (const int layer : layers_) values.layers.push_back(target(layer));
  for (const int tensor : tensors_) values.steps.push_back(network_.steps(tensor));
  return values;
}

void HardUnit::restore(const Values& values) {
  for (std::size_t i = 0; i < layers_.size(); ++i) target(layers_[i]) = values.layers[i];
  for (std::size_t i = 0; i < tensors_.size(); ++i) network_.set_steps(tensors_[i], values.steps[i]);
}

void HardUnit::move_exponents(double& loss) {
  for (const int tensor : tensors_) {
    for (const double factor : {0.5, 2.0}) {
      const std::vector<double> now = network_.steps(tensor);
      std::vector<double> moved = now;
      for (double& step : moved) step *= factor;
      network_.set_steps(tensor, moved);
      set();
      const double found = this->loss();
      if (found < loss) {
        loss = found;
      } else {
        network_.set_steps(tensor, now);
        set();
      }
    }
  }
}

}  // namespace shiftsim::quantizer
