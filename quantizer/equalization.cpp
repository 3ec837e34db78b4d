#include "quantizer/equalization.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quantizer/calibration.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kMost = 4;

/// The layers that read the tensor, where all of them are convolutions that mix its channels; else none.
std::vector<std::size_t> mixing_readers(const Plan& plan, int tensor) {
  std::vector<std::size_t> readers;
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    if (layer.residual == tensor) return {};
    if (layer.input != tensor) continue;
    if (layer.kind != qnet::LayerKind::kConv || layer.geometry.groups != 1) return {};
    readers.push_back(i);
  }
  return readers;
}

bool may_scale(const Plan& plan, const PlannedLayer& maker) {
  const PlannedTensor& tensor = plan.tensor(maker.output);
  return maker.kind == qnet::LayerKind::kConv && maker.residual < 0 && maker.activation != qnet::Activation::kRelu6 &&
         !tensor.is_logits && !tensor.per_channel;
}

/// Calls each(weight) for the reader's weights of input channel c.
template <typename Layer, typename Each>
void for_column(Layer& reader, std::size_t c, Each each) {
  const auto inputs = static_cast<std::size_t>(reader.geometry.input.channels);
  const std::size_t taps = reader.geometry.window.taps(), outputs = reader.bias.size();
  for (std::size_t k = 0; k < outputs; ++k)
    for (std::size_t t = 0; t < taps; ++t) each(reader.weight[(k * inputs + c) * taps + t]);
}

}  // namespace

int equalize(Plan& plan, const std::vector<std::vector<float>>& largest) {
  int changed = 0;
  for (PlannedLayer& maker : plan.layers) {
    const std::vector<float>& range = largest[static_cast<std::size_t>(maker.output)];
    const std::vector<std::size_t> readers = mixing_readers(plan, maker.output);
    if (range.empty() || readers.empty() || !may_scale(plan, maker)) continue;
    const std::size_t channels = maker.bias.size(), fan = maker.weight.size() / channels;
    // log2 of how much wider the column is than the channel; 0 where either is empty.
    std::vector<double> wider(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      float column = 0;
      for (const std::size_t reader : readers)
        for_column(plan.layers[reader], c, [&](float weight) { column = std::max(column, std::abs(weight)); });
      if (column > 0 && range[c] > 0) wider[c] = std::log2(static_cast<double>(column) / static_cast<double>(range[c]));
    }
    const double mean = std::accumulate(wider.begin(), wider.end(), 0.0) / static_cast<double>(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      const int k = wider[c] == 0 ? 0 : std::clamp(static_cast<int>(std::lround((wider[c] - mean) / 2)), -kMost, kMost);
      if (k == 0) continue;
      ++changed;
      for (std::size_t i = 0; i < fan; ++i) maker.weight[c * fan + i] = std::ldexp(maker.weight[c * fan + i], k);
      maker.bias[c] = std::ldexp(maker.bias[c], k);
      if (!maker.gamma.empty()) maker.gamma[c] = std::ldexp(maker.gamma[c], k);
      for (const std::size_t reader : readers)
        for_column(plan.layers[reader], c, [&](float& weight) { weight = std::ldexp(weight, -k); });
    }
  }
  return changed;
}

std::vector<std::vector<float>> channel_maxima(const Plan& plan, const ImageSet& images,
                                               const std::vector<std::size_t>& chosen, Workers& workers,
                                               ActivationMemory& memory) {
  std::vector<std::vector<float>> largest(plan.tensors.size());
  const Recipe unused;
  QuantizedNetwork scratch = undecided(plan);
  Calibrator calibrator(plan, unused, workers, memory, scratch);
  calibrator.load(images, chosen);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    calibrator.run_float(i);
    const int tensor = plan.layers[i].output;
    const auto channels = static_cast<std::size_t>(plan.tensor(tensor).shape.channels);
    std::vector<float>& of = largest[static_cast<std::size_t>(tensor)];
    of.assign(channels, 0.0f);
    const auto values = calibrator.reference(tensor).values();
    for (std::size_t j = 0; j < values.size(); ++j) of[j % channels] = std::max(of[j % channels], std::abs(values[j]));
  }
  return largest;
}

}  // namespace shiftsim::quantizer
