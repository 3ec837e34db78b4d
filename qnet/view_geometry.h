// What a view does to pixels: two maps put side by side, a part of them, pixels repeated.
#pragma once

#include <array>
#include <cstddef>

namespace shiftsim::qnet {

/// What the second tensor of a view follows the first one along.
enum class JoinAxis { kChannels, kHeight, kWidth };

struct JoinAxisRow {
  JoinAxis axis;
  const char* name;  ///< in network.yaml
};

inline constexpr std::array<JoinAxisRow, 3> kJoinAxes = {{
    {JoinAxis::kChannels, "channels"},
    {JoinAxis::kHeight, "height"},
    {JoinAxis::kWidth, "width"},
}};

constexpr const JoinAxisRow& row_of(JoinAxis axis) {
  return kJoinAxes[static_cast<std::size_t>(axis)];
}

/// Where a pixel of a view comes from.
struct PixelSource {
  bool is_joined = false;  ///< of what is joined; of both where channels are joined
  int y = 0, x = 0;
};

struct ViewGeometry {
  JoinAxis join = JoinAxis::kChannels;
  int crop_top = 0, crop_left = 0;     ///< rows and columns of the joined map that are left out in front
  int upsample_h = 1, upsample_w = 1;  ///< times that each pixel is repeated (nearest neighbour)

  bool joins_pixels() const { return join != JoinAxis::kChannels; }
  /// Of pixel (y, x) of the view. 'height', 'width': of its input.
  PixelSource source(int y, int x, int height, int width) const {
    PixelSource from{false, y / upsample_h + crop_top, x / upsample_w + crop_left};
    if (join == JoinAxis::kHeight && from.y >= height) from = {true, from.y - height, from.x};
    if (join == JoinAxis::kWidth && from.x >= width) from = {true, from.y, from.x - width};
    return from;
  }
  bool operator==(const ViewGeometry&) const = default;
};

}  // namespace shiftsim::qnet
