#include "qnet/tensor_sources.h"

#include <algorithm>

namespace shiftsim::qnet {

TensorSources::TensorSources(const Network& network) : sources_(network.tensors.size()) {
  for (const Layer& layer : network.layers) {
    if (!layer.is_view()) continue;
    const int from_input = network.in(layer).channels;
    for (const std::int32_t k : layer.channels) {
      const bool is_joined = k >= from_input;
      const int tensor = is_joined ? layer.residual : layer.input;
      const int channel = is_joined ? k - from_input : k;
      ChannelSource source{tensor, channel};
      if (is_view(tensor)) source = of(tensor)[static_cast<std::size_t>(channel)];
      source.up_h *= layer.upsample_h;
      source.up_w *= layer.upsample_w;
      sources_[static_cast<std::size_t>(layer.output)].push_back(source);
    }
  }
}

std::vector<int> TensorSources::stored(int tensor) const {
  if (!is_view(tensor)) return {tensor};
  std::vector<int> result;
  for (const ChannelSource& source : of(tensor))
    if (std::ranges::find(result, source.tensor) == result.end()) result.push_back(source.tensor);
  return result;
}

}  // namespace shiftsim::qnet
