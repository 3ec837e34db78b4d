// The search for one layer's weight quantizers and integer weights, within what the integers can hold.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/thread_pool.h"
#include "quantizer/plan/legality.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"
#include "quantizer/search/integer_weight_search.h"

namespace shiftsim::quantizer {

/// Searches for one layer of the network, which must outlive it, and writes what it finds into the network's values.
/// Which weights are legal depends on the exponents of the tensors known so far.
class LayerWeights {
public:
  /// What the layer reads in the quantized network.
  struct Input {
    const float* values = nullptr;
    std::size_t images = 0;
  };

  /// 'bits': of the weights.
  LayerWeights(QuantizedNetwork& network, std::size_t layer, int bits, const Input& input, const Recipe& recipe,
               ThreadPool& workers);

  /// Bytes that a search takes at its peak.
  static std::size_t memory(const PlannedLayer& layer, const Recipe& recipe, std::size_t images);

  /// All channels anew, with the float network's bias.
  void search();
  /// These channels, legally this time.
  void search_again(const std::vector<std::size_t>& channels);
  /// Channels whose integers would leave the contract's widths.
  std::vector<std::size_t> illegal_channels() const { return illegal_channels(std::nullopt); }
  /// The logits are brought to the least accumulator exponent: raises the finest channels until all fit 32 bits there.
  void align_logits();

private:
  std::size_t fan() const { return layer_.weight.size() / layer_.bias.size(); }
  bool has_offsets() const { return recipe_.offsets && bits_ < 8; }
  bool free_scales() const { return recipe_.scales == Scales::kFree; }
  int finest_exponent() const;
  std::span<const float> weights_of(std::size_t channel) const;
  ChannelLimits limits(std::size_t channel, double bias, std::optional<int> logits) const;
  void store(std::size_t channel, const WeightQuantizer& quantizer);
  void search(const std::vector<std::size_t>& channels, int lowest, std::optional<int> logits);
  void search_channel(std::size_t channel, const WindowMoments* moments, int lowest, std::optional<int> logits);
  bool search_by_output(std::size_t channel, const WindowMoments& moments, int lowest, const ChannelLimits& limit);
  std::vector<std::size_t> illegal_channels(std::optional<int> logits) const;

  const QuantizedNetwork& network_;
  const PlannedLayer& layer_;
  QuantizedLayer& target_;
  int bits_;
  Input input_;
  const Recipe& recipe_;
  ThreadPool& workers_;
};

}  // namespace shiftsim::quantizer
