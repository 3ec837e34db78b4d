#include "quantizer/calibrate/layer_weights.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kAnyExponent = std::numeric_limits<int>::min();

/// Whether integer weights are searched by the output's error.
bool searches_by_output(const Recipe& recipe, const PlannedLayer& layer, int bits) {
  return recipe.integer_weights == IntegerWeightSearch::kOutput && recipe.scales != Scales::kFree && bits < 8 &&
         layer.weight.size() / layer.bias.size() <= kMostWeightsOfMoments;
}

/// How many windows that looks at: of a few a channel of many weights would only learn how these differ from others.
std::size_t windows_of(const PlannedLayer& layer) {
  constexpr std::size_t kLeast = 4096, kMost = 16384, kOfWeight = 16;
  return std::clamp(kOfWeight * (layer.weight.size() / layer.bias.size()), kLeast, kMost);
}

}  // namespace

LayerWeights::LayerWeights(QuantizedNetwork& network, std::size_t layer, int bits, const Input& input,
                           const Recipe& recipe, ThreadPool& workers)
    : network_(network),
      layer_(network.plan->layers[layer]),
      target_(network.layers[layer]),
      bits_(bits),
      input_(input),
      recipe_(recipe),
      workers_(workers) {}

std::size_t LayerWeights::memory(const PlannedLayer& layer, const Recipe& recipe, std::size_t images) {
  if (!layer.has_weights() || !searches_by_output(recipe, layer, layer.weight_bits)) return 0;
  return window_moments_memory(layer.geometry, images, windows_of(layer));
}

void LayerWeights::search() {
  const std::size_t channels = layer_.bias.size();
  target_.quantizers.resize(channels);
  target_.integer_weights.resize(layer_.weight.size());
  target_.learned_bias = layer_.bias;
  target_.bias.assign(layer_.bias.begin(), layer_.bias.end());
  std::vector<std::size_t> all(channels);
  std::iota(all.begin(), all.end(), std::size_t{0});
  search(all, kAnyExponent, {});
}

void LayerWeights::search_again(const std::vector<std::size_t>& channels) {
  search(channels, kAnyExponent, {});
}

std::span<const float> LayerWeights::weights_of(std::size_t channel) const {
  return std::span(layer_.weight).subspan(channel * fan(), fan());
}

ChannelLimits LayerWeights::limits(std::size_t channel, double bias, std::optional<int> logits) const {
  return channel_limits(*network_.plan, layer_, network_.exponents, channel, bias, has_offsets(), recipe_.acc_bits,
                        logits);
}

void LayerWeights::store(std::size_t channel, const WeightQuantizer& quantizer) {
  const auto weights = weights_of(channel);
  target_.quantizers[channel] = quantizer;
  for (std::size_t i = 0; i < weights.size(); ++i)
    target_.integer_weights[channel * weights.size() + i] = static_cast<std::int8_t>(quantizer.quantize(weights[i]));
}

/// No quantizer gets an exponent below 'lowest'.
void LayerWeights::search(const std::vector<std::size_t>& channels, int lowest, std::optional<int> logits) {
  std::optional<WindowMoments> moments;
  if (searches_by_output(recipe_, layer_, bits_))
    moments =
        window_moments(layer_.geometry, input_.values, input_.images, recipe_.bias_correction, windows_of(layer_));
  workers_.run(channels.size(), [&](std::size_t i, std::size_t) {
    search_channel(channels[i], moments ? &*moments : nullptr, lowest, logits);
  });
}

void LayerWeights::search_channel(std::size_t channel, const WindowMoments* moments, int lowest,
                                  std::optional<int> logits) {
  const auto weights = weights_of(channel);
  if (free_scales()) return store(channel, search_free_quantizer(weights, bits_, recipe_.norm));
  const ChannelLimits limit = limits(channel, target_.bias[channel], logits);
  if (moments != nullptr && search_by_output(channel, *moments, lowest, limit)) return;
  std::vector<std::int8_t> integer_weights(weights.size());
  const auto legal = [&](const WeightQuantizer& candidate) {
    if (candidate.exponent < lowest) return false;
    for (std::size_t j = 0; j < weights.size(); ++j)
      integer_weights[j] = static_cast<std::int8_t>(candidate.quantize(weights[j]));
    return limit.allow(candidate, integer_weights);
  };
  if (recipe_.parameter_search == ParameterSearch::kStatic && has_offsets()) {
    const WeightQuantizer quantizer = static_quantizer(search_free_quantizer(weights, bits_, recipe_.norm));
    if (legal(quantizer)) return store(channel, quantizer);
  }
  try {
    store(channel, search_quantizer(weights, {bits_, has_offsets(), recipe_.norm}, legal));
  } catch (const NoLegalQuantizer& error) {
    fail("layer {}, channel {}: {}: weights, bias or activations are too large for 32-bit sums", layer_.name, channel,
         error.what());
  }
}

/// False where it finds no legal integer weights.
bool LayerWeights::search_by_output(std::size_t channel, const WindowMoments& moments, int lowest,
                                    const ChannelLimits& limit) {
  const std::size_t rows = layer_.bias.size() / static_cast<std::size_t>(layer_.geometry.groups);
  const ChannelIntegers found = search_integer_weights(
      weights_of(channel), {bits_, has_offsets(), recipe_.norm}, moments.of_group(channel / rows),
      [&](const WeightQuantizer& quantizer, auto integer_weights) {
        return quantizer.exponent >= lowest && limit.allow(quantizer, integer_weights);
      });
  if (found.integer_weights.empty()) return false;
  target_.quantizers[channel] = found.quantizer;
  std::copy(found.integer_weights.begin(), found.integer_weights.end(),
            target_.integer_weights.begin() + static_cast<std::ptrdiff_t>(channel * fan()));
  return true;
}

std::vector<std::size_t> LayerWeights::illegal_channels(std::optional<int> logits) const {
  if (free_scales()) return {};
  std::vector<std::size_t> result;
  for (std::size_t k = 0; k < target_.quantizers.size(); ++k)
    if (!limits(k, target_.bias[k], logits)
             .allow(target_.quantizers[k], std::span(target_.integer_weights).subspan(k * fan(), fan())))
      result.push_back(k);
  return result;
}

int LayerWeights::finest_exponent() const {
  return std::min_element(target_.quantizers.begin(), target_.quantizers.end(),
                          [](const WeightQuantizer& a, const WeightQuantizer& b) { return a.exponent < b.exponent; })
      ->exponent;
}

void LayerWeights::align_logits() {
  if (free_scales()) return;
  for (int lowest = finest_exponent();; ++lowest) {
    std::vector<std::size_t> below;
    for (std::size_t k = 0; k < target_.quantizers.size(); ++k)
      if (target_.quantizers[k].exponent < lowest) below.push_back(k);
    search(below, lowest, {});
    lowest = finest_exponent();
    const int logits = limits(0, 0, {}).accumulator_exponent({bits_, lowest, 0});
    if (illegal_channels(logits).empty()) return;
  }
}

}  // namespace shiftsim::quantizer
