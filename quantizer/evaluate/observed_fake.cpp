#include <cmath>
#include <optional>

#include "quantizer/calibrate/calibration.h"
#include "quantizer/evaluate/observed_network.h"

namespace shiftsim::quantizer {

namespace {

/// The calibrator executes the network as it is: it starts from the learned bias and corrects it no more.
class ObservedFake : public ObservedNetwork {
public:
  ObservedFake(const Observation& observation, const Recipe& recipe)
      : ObservedNetwork(*observation.network.plan),
        network_(observation.network),
        recipe_(recipe),
        calibrator_(network_, recipe_, observation.workers, observation.memory) {
    recipe_.bias_correction = false;
    for (QuantizedLayer& layer : network_.layers) layer.learned_bias.assign(layer.bias.begin(), layer.bias.end());
    calibrator_.load(observation.images, observation.chosen);
  }

  void run(std::size_t i) override {
    const QuantizedLayer& values = network_.layers[i];
    calibrator_.run(i, {false, false, true});
    op_.emplace(plan_.layers[i].in_float(), 1);
    op_->set_weights(values.weights(), Values(values.bias.begin(), values.bias.end()));
  }
  void release(std::size_t layer) override { calibrator_.release(layer); }

  std::span<const float> reference(int tensor) const override { return calibrator_.reference(tensor).values(); }

  Values quantized(int tensor, std::size_t image) const override {
    const std::size_t size = plan_.tensor(tensor).shape.size();
    const auto values = calibrator_.quantized(tensor).values().subspan(image * size, size);
    return {values.begin(), values.end()};
  }

  Codes codes(int tensor, std::size_t image) const override {
    const Values values = quantized(tensor, image);
    const std::vector<double> steps = network_.steps(tensor);
    Codes codes;
    codes.reserve(values.size());
    for (std::size_t j = 0; j < values.size(); ++j)
      codes.push_back(static_cast<std::int32_t>(std::lround(values[j] / steps[j % steps.size()])));
    return codes;
  }

  Unrounded unrounded(std::size_t i, std::size_t image) const override {
    const PlannedLayer& layer = plan_.layers[i];
    Unrounded result;
    result.values = run_layer(plan_, layer, *op_, quantized(layer.input, image),
                              layer.residual >= 0 ? quantized(layer.residual, image) : Values{});
    return result;
  }

private:
  QuantizedNetwork network_;
  Recipe recipe_;
  Calibrator calibrator_;
  std::optional<LayerOp> op_;  ///< of the layer last run, quantized weights in it
};

}  // namespace

std::unique_ptr<ObservedNetwork> observe_fake_quantized(const Observation& observation, const Recipe& recipe) {
  return std::make_unique<ObservedFake>(observation, recipe);
}

}  // namespace shiftsim::quantizer
