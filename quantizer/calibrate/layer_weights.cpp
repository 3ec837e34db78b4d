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
  return recipe.codes == CodeSearch::kOutput && recipe.scales != Scales::kFree && bits < 8 &&
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
  target_.grids.resize(channels);
  target_.codes.resize(layer_.weight.size());
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

void LayerWeights::store(std::size_t channel, const WeightGrid& grid) {
  const auto weights = weights_of(channel);
  target_.grids[channel] = grid;
  for (std::size_t i = 0; i < weights.size(); ++i)
    target_.codes[channel * weights.size() + i] = static_cast<std::int8_t>(grid.quantize(weights[i]));
}

/// No grid gets an exponent below 'lowest'.
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
  if (free_scales()) return store(channel, search_free_grid(weights, bits_, recipe_.norm));
  const ChannelLimits limit = limits(channel, target_.bias[channel], logits);
  if (moments != nullptr && search_by_output(channel, *moments, lowest, limit)) return;
  std::vector<std::int8_t> codes(weights.size());
  const auto legal = [&](const WeightGrid& candidate) {
    if (candidate.exponent < lowest) return false;
    for (std::size_t j = 0; j < weights.size(); ++j)
      codes[j] = static_cast<std::int8_t>(candidate.quantize(weights[j]));
    return limit.allow(candidate, codes);
  };
  if (recipe_.grid_search == GridSearch::kStatic && has_offsets()) {
    const WeightGrid grid = static_grid(search_free_grid(weights, bits_, recipe_.norm));
    if (legal(grid)) return store(channel, grid);
  }
  try {
    store(channel, search_grid(weights, {bits_, has_offsets(), recipe_.norm}, legal));
  } catch (const NoLegalGrid& error) {
    fail("layer {}, channel {}: {}: weights, bias or activations are too large for 32-bit sums", layer_.name, channel,
         error.what());
  }
}

/// False where it finds no legal codes.
bool LayerWeights::search_by_output(std::size_t channel, const WindowMoments& moments, int lowest,
                                    const ChannelLimits& limit) {
  const std::size_t rows = layer_.bias.size() / static_cast<std::size_t>(layer_.geometry.groups);
  const ChannelCodes found = search_codes(
      weights_of(channel), {bits_, has_offsets(), recipe_.norm}, moments.of_group(channel / rows),
      [&](const WeightGrid& grid, auto codes) { return grid.exponent >= lowest && limit.allow(grid, codes); });
  if (found.codes.empty()) return false;
  target_.grids[channel] = found.grid;
  std::copy(found.codes.begin(), found.codes.end(),
            target_.codes.begin() + static_cast<std::ptrdiff_t>(channel * fan()));
  return true;
}

std::vector<std::size_t> LayerWeights::illegal_channels(std::optional<int> logits) const {
  if (free_scales()) return {};
  std::vector<std::size_t> result;
  for (std::size_t k = 0; k < target_.grids.size(); ++k)
    if (!limits(k, target_.bias[k], logits).allow(target_.grids[k], std::span(target_.codes).subspan(k * fan(), fan())))
      result.push_back(k);
  return result;
}

int LayerWeights::finest_exponent() const {
  return std::min_element(target_.grids.begin(), target_.grids.end(),
                          [](const WeightGrid& a, const WeightGrid& b) { return a.exponent < b.exponent; })
      ->exponent;
}

void LayerWeights::align_logits() {
  if (free_scales()) return;
  for (int lowest = finest_exponent();; ++lowest) {
    std::vector<std::size_t> below;
    for (std::size_t k = 0; k < target_.grids.size(); ++k)
      if (target_.grids[k].exponent < lowest) below.push_back(k);
    search(below, lowest, {});
    lowest = finest_exponent();
    const int logits = limits(0, 0, {}).accumulator_exponent({bits_, lowest, 0});
    if (illegal_channels(logits).empty()) return;
  }
}

}  // namespace shiftsim::quantizer
