#include "tests/qnet/random_views.h"

#include <algorithm>
#include <vector>

#include "common/index.h"

namespace shiftsim::qnet {
namespace {

/// The least width and sign that hold the codes of what the view reads. Height and width are left as they are.
Tensor view_tensor(const Network& network, const Layer& layer) {
  const Tensor& in = network.in(layer);
  const Tensor& joined = network.tensors[index(std::max(layer.residual, 0))];
  Tensor output;
  output.name = layer.name + "_out";
  output.channels = static_cast<int>(layer.channels.size());
  output.exponents.clear();
  int low = 0, high = 1;
  for (const std::int32_t c : layer.channels) {
    const bool second = c >= in.channels;
    const Tensor& source = second ? joined : in;
    low = std::min(low, source.low());
    high = std::max(high, source.high());
    output.exponents.push_back(source.exponent(second ? c - in.channels : c));
    if (!layer.view.joins_pixels()) continue;
    low = std::min(low, joined.low());
    high = std::max(high, joined.high());
  }
  if (std::ranges::all_of(output.exponents, [&](int e) { return e == output.exponents[0]; }))
    output.exponents.resize(1);
  output.is_signed = low < 0;
  output.bits = 2;
  while (output.bits < 8 && (output.low() > low || output.high() < high)) ++output.bits;
  return output;
}

}  // namespace

RandomViews::RandomViews(std::uint64_t seed, const RandomNetworkOptions& options, RandomSource& random)
    : random_(random), pixel_random_(seed ^ 0x9e3779b97f4a7c15), options_(options) {}

void RandomViews::add(const std::string& name, Network& network) {
  const auto last = static_cast<int>(network.tensors.size()) - 1;
  Layer layer;
  layer.kind = LayerKind::kView;
  layer.name = name;
  layer.input = last;
  layer.output = last + 1;
  choose_channels(network, layer);
  const Tensor& in = network.tensors.back();
  if (random_.chance(30)) layer.view.upsample_h = random_.in(1, std::max(1, 2 * options_.max_size / in.height));
  if (random_.chance(30)) layer.view.upsample_w = random_.in(1, std::max(1, 2 * options_.max_size / in.width));
  Size shown{in.height, in.width};
  if (pixel_random_.chance(40)) shown = change_pixels(network, layer);
  Tensor output = view_tensor(network, layer);
  output.height = shown.height * layer.view.upsample_h;
  output.width = shown.width * layer.view.upsample_w;
  network.tensors.push_back(output);
  network.layers.push_back(layer);
}

/// Sets the view's second input, if it has one, and the channels that it shows of both.
void RandomViews::choose_channels(const Network& network, Layer& layer) {
  const Tensor& in = network.tensors.back();
  std::vector<int> fitting;
  for (int t = 1; t <= layer.input; ++t) {
    const Tensor& other = network.tensors[index(t)];
    const bool some_signed = in.is_signed || other.is_signed;
    const bool holds_both = !some_signed || (in.high() <= 127 && other.high() <= 127);
    if (other.height == in.height && other.width == in.width && holds_both) fitting.push_back(t);
  }
  if (random_.chance(75)) layer.residual = random_.of(fitting);
  const int all = in.channels + (layer.residual >= 0 ? network.tensors[index(layer.residual)].channels : 0);
  const int first = random_.in(0, all - 1);
  const int style = random_.in(0, 3);
  if (style == 0 || style == 1) {
    const int end = style == 0 ? all : random_.in(first + 1, all);
    for (int c = style == 0 ? 0 : first; c < end; ++c) layer.channels.push_back(c);
  } else if (style == 2) {
    const int half = (all + 1) / 2;
    for (int c = 0; c < all; ++c) layer.channels.push_back(c % 2 == 0 ? c / 2 : half + c / 2);
  } else {
    const int count = random_.in(1, all);
    for (int c = 0; c < count; ++c) layer.channels.push_back(random_.in(0, all - 1));
  }
  const std::size_t most = 2 * index(options_.max_channels);
  if (layer.channels.size() > most) layer.channels.resize(most);
}

/// Joins along height or width, or leaves out the border, or both. Returns the pixels that are shown, before they are
/// repeated.
RandomViews::Size RandomViews::change_pixels(const Network& network, Layer& layer) {
  const Tensor& in = network.tensors.back();
  Size all{in.height, in.width};
  if (pixel_random_.chance(60)) join_pixels(network, layer, all);
  if (pixel_random_.chance(60)) {
    layer.view.crop_top = pixel_random_.in(0, all.height - 1);
    layer.view.crop_left = pixel_random_.in(0, all.width - 1);
    const int height = pixel_random_.in(1, all.height - layer.view.crop_top);
    const int width = pixel_random_.in(1, all.width - layer.view.crop_left);
    all = {height, width};
  }
  const auto limit = [&](int times, int side) { return std::min(times, std::max(1, 2 * options_.max_size / side)); };
  layer.view.upsample_h = limit(layer.view.upsample_h, all.height);
  layer.view.upsample_w = limit(layer.view.upsample_w, all.width);
  return all;
}

void RandomViews::join_pixels(const Network& network, Layer& layer, Size& all) {
  const Tensor& in = network.tensors.back();
  const bool down = pixel_random_.chance(50);
  std::vector<int> fitting;
  for (int t = 1; t <= layer.input; ++t) {
    const Tensor& other = network.tensors[index(t)];
    const bool same_side = down ? other.width == in.width : other.height == in.height;
    const bool small = (down ? in.height + other.height : in.width + other.width) <= 2 * options_.max_size;
    const bool holds_both = in.is_signed == other.is_signed || (in.high() <= 127 && other.high() <= 127);
    if (same_side && small && holds_both && other.channels == in.channels && other.exponents == in.exponents)
      fitting.push_back(t);
  }
  if (fitting.empty()) return;
  layer.residual = pixel_random_.of(fitting);
  layer.view.join = down ? JoinAxis::kHeight : JoinAxis::kWidth;
  for (std::int32_t& c : layer.channels) c %= in.channels;
  const Tensor& joined = network.tensors[index(layer.residual)];
  (down ? all.height : all.width) += down ? joined.height : joined.width;
}

}  // namespace shiftsim::qnet
