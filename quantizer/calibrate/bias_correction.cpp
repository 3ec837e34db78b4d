#include "quantizer/calibrate/bias_correction.h"

#include <algorithm>
#include <array>

#include "quantizer/calibrate/activation_scales.h"
#include "quantizer/kernels/calibration_kernels.h"

namespace shiftsim::quantizer {

std::vector<float> correct_bias(QuantizedNetwork& network, std::size_t index, const AccumulatorRounding& rounding,
                                const ActivationMemory::Block& reference, const ActivationMemory::Block& values,
                                ThreadPool& workers) {
  const PlannedLayer& layer = network.plan->layers[index];
  QuantizedLayer& target = network.layers[index];
  const std::size_t channels = layer.bias.size();
  std::vector<float> correction(channels);
  const float low = layer.floor();
  std::vector<float> high;
  for (std::size_t c = 0; c < channels; ++c) high.push_back(network.plan->tensor(layer.output).range.ceiling(c));
  constexpr std::size_t kGroup = kernels::kChannelGroup;
  constexpr int kSteps = 12;
  workers.run((channels + kGroup - 1) / kGroup, [&](std::size_t group, std::size_t) {
    const std::size_t first = group * kGroup, count = std::min(kGroup, channels - first);
    // Means of clamp(x + shift) of each channel.
    const auto means = [&](const ActivationMemory::Block& x, const std::array<float, kGroup>& shift) {
      std::array<double, kGroup> sums{};
      const PixelSample pixels = pixel_sample(*network.plan, layer.output, x);
      kernels::clamped_sums({x.data() + first, pixels.count(), channels * pixels.step, count}, shift.data(), low,
                            high.data() + first, sums.data());
      for (double& value : sums) value /= static_cast<double>(pixels.count());
      return sums;
    };
    const auto wanted = means(reference, {});
    std::array<float, kGroup> shift{};
    // The mean rises with the shift, and never faster: adding the error cannot overshoot.
    for (int step = 0; step < (layer.activation == qnet::Activation::kNone ? 1 : kSteps); ++step) {
      const auto found = means(values, shift);
      for (std::size_t k = 0; k < count; ++k) shift[k] += static_cast<float>(wanted[k] - found[k]);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const double learned = rounding.bias(first + k, static_cast<double>(target.learned_bias[first + k]));
      double& bias = target.bias[first + k];
      bias = learned + static_cast<double>(shift[k]);
      correction[first + k] = static_cast<float>(rounding.bias(first + k, bias) - learned);
    }
  });
  return correction;
}

}  // namespace shiftsim::quantizer
