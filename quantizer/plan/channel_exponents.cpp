#include "quantizer/plan/channel_exponents.h"

namespace shiftsim::quantizer {

void find_channel_exponents(Plan& plan) {
  const auto tensor = [&](int index) -> PlannedTensor& { return plan.tensors[static_cast<std::size_t>(index)]; };
  for (std::size_t i = 1; i < plan.tensors.size(); ++i) plan.tensors[i].per_channel = !plan.tensors[i].is_logits;
  for (auto layer = plan.layers.rbegin(); layer != plan.layers.rend(); ++layer) {
    // What hands codes on needs exponents that its own readers can take.
    // A view does not ask which channels stand together.
    const bool apart = layer->keeps_channels_apart() && !layer->is_view() &&
                       (layer->requantizes() || tensor(layer->output).per_channel);
    if (!apart) tensor(layer->input).per_channel = false;
    if (layer->residual >= 0) tensor(layer->residual).per_channel = false;
    // A table is one for all channels.
    if (layer->function) tensor(layer->input).per_channel = tensor(layer->output).per_channel = false;
  }
  for (const PlannedLayer& layer : plan.layers)
    if (!layer.requantizes()) tensor(layer.output).per_channel = tensor(layer.input).per_channel;
}

}  // namespace shiftsim::quantizer
