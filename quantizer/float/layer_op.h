// One layer of a float network executed. Calibration, learning, evaluation and the float engine have no other code for
// it: what a kind of layer computes in float, forward and backward, stands in layer_op.cpp alone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "quantizer/float/conv_op.h"
#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// What a layer computes, its values left out.
struct FloatLayer {
  qnet::LayerKind kind = qnet::LayerKind::kConv;
  ConvGeometry geometry;                                  ///< of the window, for every kind
  double divisor = 1;                                     ///< of a sum: its pixels where a mean is wanted
  ViewMap view{};                                         ///< of a view
  std::optional<ScalarFunction> function = std::nullopt;  ///< of each value: in the place of the sum over the map

  /// Of a simplified graph's node; none for the input and for an addition, which is a layer's residual.
  static std::optional<FloatLayer> of(const Graph& graph, const Node& node);
};

/// Images that one call should take: enough for oneDNN to work well, little enough for the caches. 'largest': size of
/// the largest activation of an image.
std::size_t images_of_a_call(std::size_t largest);

/// A layer before its activation function, over batches of up to 'chunk' images. Single-threaded, and safe to call from
/// several threads at a time, each with a scratch of its own. Activations are NHWC float32, contiguous.
class LayerOp {
public:
  LayerOp(const FloatLayer& layer, std::size_t chunk);

  const FloatLayer& layer() const { return layer_; }
  std::size_t chunk() const { return chunk_; }

  /// As ConvOp::set_weights(); nothing happens where the kind has no weights. Not while another thread is in a call.
  void set_weights(std::span<const float> weight, std::span<const float> bias);
  /// By channel, what the residual is rounded to multiples of; empty: it is not rounded. Not while another thread is in
  /// a call.
  void set_residual_steps(std::span<const float> steps);

  /// output = the layer of 'input', plus 'residual' unless that is null. A view joins 'residual' to its input.
  void forward(const float* input, const float* residual, float* output, std::size_t images,
               ConvScratch& scratch) const;

  /// From now on the backward functions may be called.
  void prepare_backward();

  /// Gradients with regard to weights and bias, summed over the images, given that with regard to the output; nothing
  /// happens where the kind has no weights.
  void backward_weights(const float* input, const float* gradient, float* weight, float* bias, std::size_t images,
                        ConvScratch& scratch) const;

  /// Where the gradient with regard to the input goes.
  struct InputGradient {
    float* values = nullptr;
    bool adds = false;       ///< to what is there; else it is set
    float* share = nullptr;  ///< as large as 'values': to work in, where needs_share() and 'adds'
  };
  void backward_input(const float* input, const float* gradient, const InputGradient& to, std::size_t images,
                      ConvScratch& scratch) const;
  static bool needs_share(qnet::LayerKind kind) { return qnet::row_of(kind).has_weights; }

  /// The gradient with regard to 'residual', set or added to 'to'.
  void backward_residual(const float* gradient, float* to, bool adds, std::size_t images) const;

private:
  FloatLayer layer_;
  std::size_t chunk_;
  std::optional<ConvOp> conv_;  ///< of kinds with weights
  /// In rows of whole pixels, long enough for loops to vectorize; empty: the residual is not rounded.
  std::vector<float> residual_step_, residual_inverse_;
};

}  // namespace shiftsim::quantizer
