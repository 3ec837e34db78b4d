#include "quantizer/graph/graph.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

int out_size(int size, int kernel, int stride, int dilation, int pads) {
  const int span = size + pads - (dilation * (kernel - 1) + 1);
  return span < 0 ? 0 : span / stride + 1;
}

}  // namespace

int Window::out_height(int height) const {
  return out_size(height, kernel_h, stride_h, dilation_h, pad_top + pad_bottom);
}

int Window::out_width(int width) const {
  return out_size(width, kernel_w, stride_w, dilation_w, pad_left + pad_right);
}

bool Clamp::none() const {
  return std::isinf(low) && low < 0 && std::isinf(high) && high > 0;
}

bool Clamp::is_plain() const {
  return none() || (low == 0 && high > 0);
}

Clamp Clamp::then(const Clamp& next) const {
  return {std::clamp(low, next.low, next.high), std::clamp(high, next.low, next.high)};
}

std::vector<std::vector<int>> Graph::readers() const {
  std::vector<std::vector<int>> result(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const int input : nodes[i].inputs) result[static_cast<std::size_t>(input)].push_back(static_cast<int>(i));
  return result;
}

qnet::Activation activation_of(const Node& node) {
  if (node.clamp.none()) return qnet::Activation::kNone;
  SHIFTSIM_CHECK(node.clamp.low == 0, "node {}: clamp from {}", node.name, node.clamp.low);
  return std::isinf(node.clamp.high) ? qnet::Activation::kRelu : qnet::Activation::kRelu6;
}

bool is_non_negative(const Graph& graph, int index) {
  const Node& node = graph.at(index);
  if (node.clamp.low >= 0) return true;
  if (node.function) return !node.function->can_be_negative(is_non_negative(graph, node.inputs[0]));
  return row_of(node.kind).keeps_sign &&
         std::all_of(node.inputs.begin(), node.inputs.end(), [&](int input) { return is_non_negative(graph, input); });
}

void set_window(qnet::Layer& layer, const Window& window) {
  layer.kernel_h = window.kernel_h;
  layer.kernel_w = window.kernel_w;
  layer.stride_h = window.stride_h;
  layer.stride_w = window.stride_w;
  layer.dilation_h = window.dilation_h;
  layer.dilation_w = window.dilation_w;
  layer.pad_top = window.pad_top;
  layer.pad_left = window.pad_left;
  layer.pad_bottom = window.pad_bottom;
  layer.pad_right = window.pad_right;
}

}  // namespace shiftsim::quantizer
