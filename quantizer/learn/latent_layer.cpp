#include "quantizer/learn/latent_layer.h"

namespace shiftsim::quantizer {

LatentLayer::LatentLayer(const QuantizedNetwork& network, int of)
    : index(of), layer(&network.plan->layers[static_cast<std::size_t>(of)]) {
  const QuantizedLayer& now = network.layers[static_cast<std::size_t>(of)];
  const std::size_t channels = now.quantizers.size();
  fan = layer->weight.size() / channels;
  latent.resize(layer->weight.size());
  weights.resize(layer->weight.size());
  for (std::size_t i = 0; i < now.integer_weights.size(); ++i)
    latent.value[i] = start_latent(layer->weight[i], now.quantizers[i / fan], now.integer_weights[i]);
  average_latent = latent.value;
  average_bias.resize(channels);
  bias.resize(channels);
  start_bias.assign(now.bias.begin(), now.bias.end());
  bias_now.resize(channels);
}

void LatentLayer::set_weights(const LatentChannel& channel, std::size_t k, const SoftRounding* soft) {
  const float* const from = latent.value.data() + k * fan;
  float* const to = weights.data() + k * fan;
  if (soft != nullptr)
    soft->values(channel, from, to);
  else
    latent_values(channel, from, to);
  bias_now[k] = static_cast<float>(rounding.bias(k, static_cast<double>(start_bias[k] + bias_unit * bias.value[k])));
}

void LatentLayer::harden(bool averaged, QuantizedLayer& to) const {
  const float* values = (averaged ? average_latent : latent.value).data();
  const std::vector<float>& biases = averaged ? average_bias : bias.value;
  for (std::size_t k = 0; k < to.quantizers.size(); ++k) {
    round_latent(LatentChannel::of(to.quantizers[k], fan), values + k * fan, to.integer_weights.data() + k * fan);
    to.learned_bias[k] = start_bias[k] + bias_unit * biases[k];
  }
  to.bias.assign(to.learned_bias.begin(), to.learned_bias.end());
}

}  // namespace shiftsim::quantizer
