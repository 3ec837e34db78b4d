#include "qnet/tensor_sources.h"

#include <algorithm>
#include <tuple>

#include "common/error.h"

namespace shiftsim::qnet {
namespace {

/// The same pixels, 'down' rows and 'right' columns further.
SourceArea moved(SourceArea area, int down, int right) {
  area.y0 += down;
  area.y1 += down;
  area.x0 += right;
  area.x1 += right;
  for (ChannelSource& source : area.channels) {
    source.shift_y -= down;
    source.shift_x -= right;
  }
  return area;
}

/// The part of an area in rows [0, height), columns [0, width). False: there is none.
bool clip(SourceArea& area, int height, int width) {
  area.y0 = std::max(area.y0, 0);
  area.x0 = std::max(area.x0, 0);
  area.y1 = std::min(area.y1, height);
  area.x1 = std::min(area.x1, width);
  return area.y0 < area.y1 && area.x0 < area.x1;
}

/// Each pixel 'h' x 'w' times.
void repeat(SourceArea& area, int h, int w) {
  area.y0 *= h;
  area.y1 *= h;
  area.x0 *= w;
  area.x1 *= w;
  for (ChannelSource& source : area.channels) {
    source.shift_y *= h;
    source.shift_x *= w;
    source.up_h *= h;
    source.up_w *= w;
  }
}

}  // namespace

TensorSources::TensorSources(const Network& network) : areas_(network.tensors.size()) {
  for (const Layer& layer : network.layers) {
    if (!layer.is_view()) continue;
    const ViewGeometry& view = layer.view;
    const Tensor& out = network.out(layer);
    Areas& areas = areas_[static_cast<std::size_t>(layer.output)];
    for (const SourceArea& whole : joined(network, layer)) {
      SourceArea area = moved(whole, -view.crop_top, -view.crop_left);
      if (!clip(area, out.height / view.upsample_h, out.width / view.upsample_w)) continue;
      repeat(area, view.upsample_h, view.upsample_w);
      std::vector<ChannelSource> shown;
      shown.reserve(layer.channels.size());
      for (const std::int32_t k : layer.channels) shown.push_back(area.channels[static_cast<std::size_t>(k)]);
      area.channels = std::move(shown);
      areas.push_back(std::move(area));
    }
    std::ranges::sort(areas, {}, [](const SourceArea& area) { return std::tuple(area.y0, area.x0); });
  }
}

TensorSources::Areas TensorSources::areas_of(const Network& network, int tensor) const {
  if (is_view(tensor)) return areas_[static_cast<std::size_t>(tensor)];
  const Tensor& stored = network.tensors[static_cast<std::size_t>(tensor)];
  SourceArea all{0, stored.height, 0, stored.width, {}};
  for (int c = 0; c < stored.channels; ++c) all.channels.push_back({tensor, c});
  return {all};
}

/// What a view joins, before anything is left out or repeated.
TensorSources::Areas TensorSources::joined(const Network& network, const Layer& view) const {
  Areas areas = areas_of(network, view.input);
  if (view.residual < 0) return areas;
  const Areas others = areas_of(network, view.residual);
  if (view.view.joins_pixels()) {
    const Tensor& input = network.in(view);
    const bool below = view.view.join == JoinAxis::kHeight;
    for (const SourceArea& other : others)
      areas.push_back(moved(other, below ? input.height : 0, below ? 0 : input.width));
    return areas;
  }
  // Where two areas meet, the channels of one stand behind those of the other.
  Areas both;
  for (const SourceArea& one : areas)
    for (const SourceArea& other : others) {
      SourceArea meeting{std::max(one.y0, other.y0), std::min(one.y1, other.y1), std::max(one.x0, other.x0),
                         std::min(one.x1, other.x1), one.channels};
      if (meeting.y0 >= meeting.y1 || meeting.x0 >= meeting.x1) continue;
      meeting.channels.insert(meeting.channels.end(), other.channels.begin(), other.channels.end());
      both.push_back(std::move(meeting));
    }
  return both;
}

const ChannelSource& TensorSources::of(int tensor, int y, int x, int channel) const {
  const auto areas = of(tensor);
  const auto found = std::ranges::find_if(areas, [&](const SourceArea& area) { return area.contains(y, x); });
  SHIFTSIM_CHECK(found != areas.end(), "tensor {}: no source of pixel ({}, {})", tensor, y, x);
  return found->channels[static_cast<std::size_t>(channel)];
}

std::vector<int> TensorSources::stored(int tensor) const {
  if (!is_view(tensor)) return {tensor};
  std::vector<int> result;
  for (const SourceArea& area : of(tensor))
    for (const ChannelSource& source : area.channels)
      if (std::ranges::find(result, source.tensor) == result.end()) result.push_back(source.tensor);
  return result;
}

}  // namespace shiftsim::qnet
