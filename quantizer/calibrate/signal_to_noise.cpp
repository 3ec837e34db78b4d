#include "quantizer/calibrate/signal_to_noise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quantizer/kernels/calibration_kernels.h"

namespace shiftsim::quantizer {

double signal_to_noise(std::span<const float> reference, std::span<const float> other, ThreadPool& workers) {
  constexpr std::size_t kBlock = std::size_t{1} << 18;  // whatever the number of threads
  std::vector<kernels::SignalAndNoise> blocks((reference.size() + kBlock - 1) / kBlock);
  workers.run(blocks.size(), [&](std::size_t i, std::size_t) {
    const std::size_t first = i * kBlock;
    blocks[i] = kernels::signal_and_noise(reference.data() + first, other.data() + first,
                                          std::min(kBlock, reference.size() - first));
  });
  kernels::SignalAndNoise sum;
  for (const auto& block : blocks) {
    sum.signal += block.signal;
    sum.noise += block.noise;
  }
  if (sum.noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(std::max(sum.signal, std::numeric_limits<double>::min()) / sum.noise);
}

}  // namespace shiftsim::quantizer
