#include "tests/quantizer/naive_float.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace shiftsim::quantizer {

namespace {

using Map = std::vector<double>;

struct View {
  const Shape& shape;
  const Map& values;
  bool inside(int y, int x) const { return y >= 0 && y < shape.height && x >= 0 && x < shape.width; }
  double at(int y, int x, int c) const {
    return values[(static_cast<std::size_t>(y) * static_cast<std::size_t>(shape.width) + static_cast<std::size_t>(x)) *
                      static_cast<std::size_t>(shape.channels) +
                  static_cast<std::size_t>(c)];
  }
};

double conv_at(const Node& node, const View& in, int y, int x, int k) {
  const Window& w = node.window;
  const int inputs = in.shape.channels / node.groups, outputs = node.shape.channels / node.groups;
  double sum = node.bias[static_cast<std::size_t>(k)];
  std::size_t place = static_cast<std::size_t>(k * inputs * w.kernel_h * w.kernel_w);
  for (int c = 0; c < inputs; ++c)
    for (int ky = 0; ky < w.kernel_h; ++ky)
      for (int kx = 0; kx < w.kernel_w; ++kx, ++place) {
        const int row = y * w.stride_h - w.pad_top + ky * w.dilation_h,
                  column = x * w.stride_w - w.pad_left + kx * w.dilation_w;
        if (in.inside(row, column))
          sum += static_cast<double>(node.weight[place]) * in.at(row, column, k / outputs * inputs + c);
      }
  return sum;
}

double pool_at(const Node& node, const View& in, int y, int x, int c) {
  const Window& w = node.window;
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  int count = 0;
  for (int ky = 0; ky < w.kernel_h; ++ky)
    for (int kx = 0; kx < w.kernel_w; ++kx) {
      const int row = y * w.stride_h - w.pad_top + ky * w.dilation_h,
                column = x * w.stride_w - w.pad_left + kx * w.dilation_w;
      const bool padding = row < in.shape.height + w.pad_bottom - node.over_bottom &&
                           column < in.shape.width + w.pad_right - node.over_right;
      if (in.inside(row, column) || (node.count_pads && padding)) ++count;
      if (!in.inside(row, column)) continue;
      largest = std::max(largest, in.at(row, column, c));
      sum += in.at(row, column, c);
    }
  if (node.kind == NodeKind::kMaxPool) return largest;
  return sum / count;
}

double value_at(const Graph& graph, const Node& node, const std::vector<Map>& maps, int y, int x, int c) {
  const auto view = [&](std::size_t i) {
    return View{graph.at(node.inputs[i]).shape, maps[static_cast<std::size_t>(node.inputs[i])]};
  };
  switch (node.kind) {
    case NodeKind::kConv:
      return conv_at(node, view(0), y, x, c);
    case NodeKind::kMaxPool:
    case NodeKind::kAveragePool:
      return pool_at(node, view(0), y, x, c);
    case NodeKind::kGlobalPool: {
      double sum = 0;
      const Shape& in = view(0).shape;
      for (int row = 0; row < in.height; ++row)
        for (int column = 0; column < in.width; ++column) sum += view(0).at(row, column, c);
      return sum / (in.height * in.width);
    }
    case NodeKind::kAdd:
      return view(0).at(y, x, c) + view(1).at(y, x, c);
    case NodeKind::kAffine:
      return static_cast<double>(node.weight[static_cast<std::size_t>(c)]) * view(0).at(y, x, c) +
             static_cast<double>(node.bias[static_cast<std::size_t>(c)]);
    case NodeKind::kClamp:
      return view(0).at(y, x, c);
    case NodeKind::kFunction:
      return (*node.function)(view(0).at(y, x, c));
    case NodeKind::kElementwise: {
      const double a = view(0).at(y, x, c), b = view(1).at(y, x, c);
      if (node.elementwise == ScalarOp::kMultiply) return a * b;
      if (node.elementwise == ScalarOp::kDivide) return a / b;
      if (node.elementwise == ScalarOp::kSubtract) return a - b;
      return node.elementwise == ScalarOp::kMinimum ? std::min(a, b) : std::max(a, b);
    }
    case NodeKind::kPad: {
      const int row = y - node.window.pad_top, column = x - node.window.pad_left;
      return view(0).inside(row, column) ? view(0).at(row, column, c) : 0;
    }
    case NodeKind::kView: {
      const auto k = node.view.channels[static_cast<std::size_t>(c)];
      const qnet::ViewGeometry& shown = node.view.geometry;
      const int row = shown.crop_top + y / shown.upsample_h, column = shown.crop_left + x / shown.upsample_w;
      const Shape& first = view(0).shape;
      if (shown.join == qnet::JoinAxis::kChannels && k >= first.channels)
        return view(1).at(row, column, k - first.channels);
      if (shown.join == qnet::JoinAxis::kHeight && row >= first.height)
        return view(1).at(row - first.height, column, k);
      if (shown.join == qnet::JoinAxis::kWidth && column >= first.width)
        return view(1).at(row, column - first.width, k);
      return view(0).at(row, column, k);
    }
    case NodeKind::kInput:
      break;
  }
  throw std::logic_error("input");
}

}  // namespace

std::vector<Map> naive_run(const Graph& graph, const Map& image) {
  std::vector<Map> maps{image};
  for (std::size_t i = 0; i < image.size(); ++i) {
    const std::size_t c = i % graph.input_scale.size();
    maps[0][i] = static_cast<double>(graph.input_scale[c]) * image[i] + static_cast<double>(graph.input_shift[c]);
  }
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    Map map;
    for (int y = 0; y < node.shape.height; ++y)
      for (int x = 0; x < node.shape.width; ++x)
        for (int c = 0; c < node.shape.channels; ++c)
          map.push_back(std::clamp(value_at(graph, node, maps, y, x, c), node.clamp.low, node.clamp.high));
    maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace shiftsim::quantizer
