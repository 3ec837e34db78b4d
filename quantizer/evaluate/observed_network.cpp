#include "quantizer/evaluate/observed_network.h"

namespace shiftsim::quantizer {

std::span<const float> ObservedNetwork::reference(int tensor, std::size_t image) const {
  const std::size_t size = plan_.tensor(tensor).shape.size();
  return reference(tensor).subspan(image * size, size);
}

std::vector<float> run_layer(const Plan& plan, const PlannedLayer& layer, const LayerOp& op,
                             std::span<const float> input, std::span<const float> residual) {
  std::vector<float> result(layer.geometry.output.size());
  ConvScratch scratch;
  op.forward(input.data(), layer.residual >= 0 ? residual.data() : nullptr, result.data(), 1, scratch);
  plan.activate(layer, result.data(), result.size());
  return result;
}

}  // namespace shiftsim::quantizer
