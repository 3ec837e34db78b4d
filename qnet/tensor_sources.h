// Where the values of tensors stand: a view's readers find the values of other tensors.
#pragma once

#include <span>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::qnet {

/// Value (y, x, c) of a view is value (y / up_h, x / up_w, channel) of a stored tensor.
struct ChannelSource {
  int tensor = 0, channel = 0;
  int up_h = 1, up_w = 1;
};

/// Resolves the views of a network, views of views, too.
class TensorSources {
public:
  TensorSources() = default;
  explicit TensorSources(const Network& network);

  bool is_view(int tensor) const { return !of(tensor).empty(); }
  /// Of a view the source of each channel; empty for a tensor that is stored.
  std::span<const ChannelSource> of(int tensor) const { return sources_[static_cast<std::size_t>(tensor)]; }
  /// The stored tensors that a reader of the tensor reads, each once: itself, unless it is a view.
  std::vector<int> stored(int tensor) const;

private:
  std::vector<std::vector<ChannelSource>> sources_;  ///< by tensor
};

}  // namespace shiftsim::qnet
