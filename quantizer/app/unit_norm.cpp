#include "quantizer/app/unit_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quantizer/learn/reconstruct.h"

namespace shiftsim::quantizer {

namespace {

/// Each channel's standard deviation in the float network before activation function and addition, from a few images:
/// what a BatchNorm's gamma would be.
std::vector<float> deviations(const Calibrator& calibrator, const PlannedLayer& layer) {
  const std::size_t images = std::min<std::size_t>(calibrator.images(), 32);
  LayerOp op(layer.in_float(), 1);
  op.set_weights(layer.weight, layer.bias);
  ConvScratch scratch;
  std::vector<float> values(layer.geometry.output.size());
  const std::size_t channels = layer.bias.size();
  std::vector<double> sum(channels), squares(channels);
  for (std::size_t image = 0; image < images; ++image) {
    op.forward(calibrator.reference(layer.input).data() + image * layer.geometry.input.size(), nullptr, values.data(),
               1, scratch);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      sum[i % channels] += value;
      squares[i % channels] += value * value;
    }
  }
  std::vector<float> result;
  const std::size_t pixels = images * values.size() / channels;
  const auto count = static_cast<double>(pixels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = sum[c] / count;
    result.push_back(static_cast<float>(std::sqrt(std::max(squares[c] / count - mean * mean, 0.0))));
  }
  return result;
}

}  // namespace

double loss_norm(const Plan& plan, const Unit& unit, const Recipe& recipe, const Calibrator& calibrator) {
  const Reconstruction& r = recipe.reconstruction;
  if (r.loss == LossNorm::kFixed || plan.tensor(unit.output).is_logits) return r.norm;
  for (int i = unit.last; i >= unit.first; --i) {
    const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
    if (!layer.has_weights()) continue;
    if (!layer.gamma.empty()) return batch_norm_loss_norm(layer.gamma, r.norm_gain);
    return batch_norm_loss_norm(deviations(calibrator, layer), r.norm_gain);
  }
  return r.norm;
}

}  // namespace shiftsim::quantizer
