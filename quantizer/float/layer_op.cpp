#include "quantizer/float/layer_op.h"

#include <algorithm>

#include "quantizer/float/float_ops.h"
#include "quantizer/float/view_op.h"
#include "quantizer/kernels/learning_kernels.h"

namespace shiftsim::quantizer {

std::optional<FloatLayer> FloatLayer::of(const Graph& graph, const Node& node) {
  const std::optional<qnet::LayerKind> kind = row_of(node.kind).layer;
  if (!kind) return std::nullopt;
  const Shape& in = graph.at(node.inputs[0]).shape;
  FloatLayer layer{*kind, {in, node.shape, node.window, node.groups}, 1, node.view, node.function};
  if (node.kind == NodeKind::kGlobalPool) {
    layer.geometry.window.kernel_h = in.height;
    layer.geometry.window.kernel_w = in.width;
    layer.divisor = static_cast<double>(layer.geometry.window.taps());
  }
  return layer;
}

std::size_t images_of_a_call(std::size_t largest) {
  constexpr std::size_t kElements = std::size_t{1} << 18;
  return std::clamp<std::size_t>(kElements / largest, 1, 16);
}

LayerOp::LayerOp(const FloatLayer& layer, std::size_t chunk) : layer_(layer), chunk_(chunk) {
  if (qnet::row_of(layer.kind).has_weights) conv_.emplace(layer.geometry, chunk);
}

void LayerOp::set_weights(std::span<const float> weight, std::span<const float> bias) {
  if (conv_) conv_->set_weights(weight, bias);
}

void LayerOp::set_residual_steps(std::span<const float> steps) {
  constexpr std::size_t kLeast = 256;
  residual_step_.clear();
  residual_inverse_.clear();
  while (!steps.empty() && residual_step_.size() < kLeast)
    residual_step_.insert(residual_step_.end(), steps.begin(), steps.end());
  for (const float step : residual_step_) residual_inverse_.push_back(1 / step);
}

void LayerOp::prepare_backward() {
  if (conv_) conv_->prepare_backward();
}

void LayerOp::forward(const float* input, const float* residual, float* output, std::size_t images,
                      ConvScratch& scratch) const {
  const ConvGeometry& shape = layer_.geometry;
  switch (layer_.kind) {
    case qnet::LayerKind::kConv:
      conv_->forward(input, output, images, scratch);
      break;
    case qnet::LayerKind::kMaxPool:
      max_pool(shape.window, shape.input, shape.output, input, output, images);
      break;
    case qnet::LayerKind::kSumPool:
      if (layer_.function)
        layer_.function->evaluate(input, output, images * shape.output.size());
      else
        global_pool(shape.input, 1 / layer_.divisor, input, output, images);
      break;
    case qnet::LayerKind::kView:
      return gather(layer_.view, shape.output, input, residual, output, images);
  }
  if (residual == nullptr) return;
  const std::size_t count = images * shape.output.size();
  if (residual_step_.empty())
    kernels::add(output, residual, count);
  else
    kernels::add_rounded(output, residual, residual_step_.data(), residual_inverse_.data(), residual_step_.size(),
                         count);
}

void LayerOp::backward_weights(const float* input, const float* gradient, float* weight, float* bias,
                               std::size_t images, ConvScratch& scratch) const {
  if (conv_) conv_->backward_weights(input, gradient, weight, bias, images, scratch);
}

void LayerOp::backward_input(const float* input, const float* gradient, const InputGradient& to, std::size_t images,
                             ConvScratch& scratch) const {
  const ConvGeometry& shape = layer_.geometry;
  const std::size_t count = images * shape.input.size();
  if (!needs_share(layer_.kind) && !to.adds) std::fill_n(to.values, count, 0.0f);
  switch (layer_.kind) {
    case qnet::LayerKind::kConv:
      conv_->backward_data(gradient, to.adds ? to.share : to.values, images, scratch);
      if (to.adds) kernels::add(to.values, to.share, count);
      break;
    case qnet::LayerKind::kMaxPool:
      max_pool_backward(shape.window, shape.input, shape.output, input, gradient, to.values, images);
      break;
    case qnet::LayerKind::kSumPool:
      if (layer_.function)
        layer_.function->add_gradient(input, gradient, to.values, count);
      else
        global_pool_backward(shape.input, 1 / layer_.divisor, gradient, to.values, images);
      break;
    case qnet::LayerKind::kView:
      scatter_add(layer_.view, shape.output, false, gradient, to.values, images);
      break;
  }
}

void LayerOp::backward_residual(const float* gradient, float* to, bool adds, std::size_t images) const {
  const Shape& output = layer_.geometry.output;
  const std::size_t count = images * output.size();
  if (layer_.kind == qnet::LayerKind::kView) {
    if (!adds) std::fill_n(to, images * layer_.view.joined.size(), 0.0f);
    scatter_add(layer_.view, output, true, gradient, to, images);
  } else if (adds) {
    kernels::add(to, gradient, count);
  } else {
    std::copy_n(gradient, count, to);
  }
}

}  // namespace shiftsim::quantizer
