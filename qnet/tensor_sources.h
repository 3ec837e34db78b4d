// Where the values of tensors stand: a view's readers find the values of other tensors.
#pragma once

#include <span>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::qnet {

/// Value (y, x, c) of a view is value ((y + shift_y) / up_h, (x + shift_x) / up_w, channel) of a stored tensor.
struct ChannelSource {
  int tensor = 0, channel = 0;
  int up_h = 1, up_w = 1;
  int shift_y = 0, shift_x = 0;

  int stored_y(int y) const { return (y + shift_y) / up_h; }
  int stored_x(int x) const { return (x + shift_x) / up_w; }
};

/// Pixels of a view, rows [y0, y1) and columns [x0, x1), and the source of each of their channels.
struct SourceArea {
  int y0 = 0, y1 = 1, x0 = 0, x1 = 1;
  std::vector<ChannelSource> channels;

  bool contains(int y, int x) const { return y >= y0 && y < y1 && x >= x0 && x < x1; }
};

/// Resolves the views of a network, views of views, too.
class TensorSources {
public:
  TensorSources() = default;
  explicit TensorSources(const Network& network);

  bool is_view(int tensor) const { return !of(tensor).empty(); }
  /// Of a view areas that cover it, none twice, by their corners from above; empty for a tensor that is stored.
  std::span<const SourceArea> of(int tensor) const { return areas_[static_cast<std::size_t>(tensor)]; }
  /// Of a view the source of one value.
  const ChannelSource& of(int tensor, int y, int x, int channel) const;
  /// The stored tensors that a reader of the tensor reads, each once: itself, unless it is a view.
  std::vector<int> stored(int tensor) const;

private:
  using Areas = std::vector<SourceArea>;

  /// Of a tensor that is stored, too.
  Areas areas_of(const Network& network, int tensor) const;
  Areas joined(const Network& network, const Layer& view) const;

  std::vector<Areas> areas_;  ///< by tensor
};

}  // namespace shiftsim::qnet
