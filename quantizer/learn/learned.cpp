#include "quantizer/learn/learned.h"

#include <cmath>
#include <numbers>
#include <random>

namespace shiftsim::quantizer {

std::vector<std::size_t> draw_batch(std::size_t available, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::size_t> chosen;
  chosen.reserve(count);
  while (chosen.size() < count) {
    const std::size_t index = random() % available;
    if (std::find(chosen.begin(), chosen.end(), index) == chosen.end()) chosen.push_back(index);
  }
  return chosen;
}

double cosine_decay(double done) {
  return 0.5 * (1 + std::cos(std::numbers::pi * done));
}

double variance(std::span<const float> values) {
  double sum = 0, squares = 0;
  for (const float value : values) {
    const auto x = static_cast<double>(value);
    sum += x;
    squares += x * x;
  }
  const auto count = static_cast<double>(values.size());
  return std::max(squares / count - sum / count * sum / count, 1e-12);
}

void append_blocks(std::size_t layer, std::size_t channels, std::size_t fan, std::vector<ChannelBlock>& blocks) {
  const std::size_t step = std::max<std::size_t>(1, kWeightBlock / fan);
  for (std::size_t k = 0; k < channels; k += step) blocks.push_back({layer, k, std::min(channels, k + step)});
}

}  // namespace shiftsim::quantizer
