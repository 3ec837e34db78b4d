#include "quantizer/calibrate/activation_scales.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quantizer/kernels/calibration_kernels.h"

namespace shiftsim::quantizer {

namespace {

using Values = ActivationMemory::Block;

/// How much smaller than its tensor's a channel's own exponent may be.
constexpr int kFinestChannel = 4;

}  // namespace

PixelSample pixel_sample(const Plan& plan, int tensor, const Values& values) {
  constexpr std::size_t kMost = std::size_t{1} << 19;
  const auto channels = static_cast<std::size_t>(plan.tensor(tensor).shape.channels);
  const std::size_t pixels = values.size() / channels;
  // Odd, not to look at the same columns of maps whose width is a power of two.
  return {values.values(), channels, pixels <= kMost ? 1 : ((pixels + kMost - 1) / kMost) | 1};
}

void ActivationScales::search(int tensor, const Values& values) {
  const PixelSample pixels = pixel_sample(*network_.plan, tensor, values);
  if (recipe_.scales == Scales::kFree)
    search_free(tensor, pixels);
  else
    search_exponents(tensor, pixels);
  const auto index = static_cast<std::size_t>(tensor);
  network_.searched_exponents[index] = network_.exponents[index];
}

/// Calls work(channel, its histogram).
template <typename Work>
void ActivationScales::for_channels(const PixelSample& pixels, Work work) const {
  constexpr std::size_t kGroup = kernels::kChannelGroup;
  workers_.run((pixels.channels + kGroup - 1) / kGroup, [&](std::size_t group, std::size_t) {
    const std::size_t first = group * kGroup, count = std::min(kGroup, pixels.channels - first);
    const std::vector<Histogram> own = channel_histograms(pixels, first, count);
    for (std::size_t k = 0; k < count; ++k) work(first + k, own[k]);
  });
}

void ActivationScales::search_free(int tensor, const PixelSample& pixels) {
  const PlannedTensor& planned = network_.plan->tensor(tensor);
  const double common = planned.is_joined
                            ? std::ldexp(1.0, planned.exponent.value())
                            : search_activation_step(Histogram(pixels, workers_), planned.range, recipe_.norm);
  std::vector<double> steps(planned.per_channel ? pixels.channels : 1, common);
  if (planned.per_channel)
    for_channels(pixels, [&](std::size_t c, const Histogram& own) {
      steps[c] = std::max(search_activation_step(own, planned.range, recipe_.norm, common),
                          common * std::exp2(-kFinestChannel));
    });
  network_.set_steps(tensor, steps);
}

int ActivationScales::search_exponent(int tensor, const PixelSample& pixels) const {
  const Plan& plan = *network_.plan;
  const Histogram histogram(pixels, workers_);
  if (const PlannedLayer* reader = plan.table_of(tensor))
    return search_table_exponent(histogram, plan.tensor(tensor).range, *reader->function, recipe_.norm);
  return search_activation_exponent(histogram, plan.tensor(tensor).range, recipe_.norm);
}

void ActivationScales::search_exponents(int tensor, const PixelSample& pixels) {
  const PlannedTensor& planned = network_.plan->tensor(tensor);
  const int common = planned.exponent ? *planned.exponent : search_exponent(tensor, pixels);
  std::vector<int> exponents(planned.per_channel ? pixels.channels : 1, common);
  if (planned.per_channel)
    for_channels(pixels, [&](std::size_t c, const Histogram& own) {
      // Other images may have larger values in a channel that is nearly silent on these.
      exponents[c] =
          std::max(search_activation_exponent(own, planned.range, recipe_.norm, common), common - kFinestChannel);
    });
  network_.exponents[static_cast<std::size_t>(tensor)] = exponents;
  network_.mantissas[static_cast<std::size_t>(tensor)].clear();
}

void ActivationScales::round(int tensor, Values& values, std::size_t images) const {
  const PlannedTensor& planned = network_.plan->tensor(tensor);
  const std::vector<double> steps = network_.steps(tensor);
  const std::size_t channels = steps.size();
  constexpr std::size_t kRow = 256;  // at least as long, as short loops do not vectorize well
  const std::size_t period = channels * ((kRow + channels - 1) / channels);
  std::vector<float> inverse(period), step(period);
  for (std::size_t c = 0; c < period; ++c) {
    inverse[c] = static_cast<float>(1 / steps[c % channels]);
    step[c] = static_cast<float>(steps[c % channels]);
  }
  // The activation function has been there: nothing rounds to more than its ceiling does.
  const auto low = static_cast<float>(planned.range.low()), high = static_cast<float>(planned.range.top());
  const std::size_t size = values.size() / images;
  workers_.run(images, [&](std::size_t image, std::size_t) {
    kernels::round_in_place(values.data() + image * size, size, step.data(), inverse.data(), period, low, high);
  });
}

}  // namespace shiftsim::quantizer
