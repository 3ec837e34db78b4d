// Float convolution on oneDNN.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// What a convolution computes, its values left out.
struct ConvGeometry {
  Shape input, output;
  Window window;
  int groups = 1;

  static ConvGeometry of(const Graph& graph, const Node& conv);
  std::size_t weight_count() const;
  bool is_depthwise() const { return qnet::is_depthwise(groups, input.channels); }
  bool operator==(const ConvGeometry&) const = default;
};

/// Memory that convolution calls work in, kept between calls; one for each thread that calls at a time.
class ConvScratch {
public:
  ConvScratch();
  ~ConvScratch();
  ConvScratch(ConvScratch&&) noexcept;
  ConvScratch& operator=(ConvScratch&&) noexcept;

private:
  friend class ConvOp;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One convolution over batches of up to 'chunk' images, single-threaded and safe to call from several threads at a
/// time. Activations are NHWC float32, contiguous. Primitives are made once, for full chunks and, when first met, for a
/// shorter last one. The results for an image do not depend on the others in its chunk's call beyond which of the two
/// primitives ran.
class ConvOp {
public:
  ConvOp(const ConvGeometry& geometry, std::size_t chunk);
  ~ConvOp();
  ConvOp(ConvOp&&) noexcept;
  ConvOp& operator=(ConvOp&&) noexcept;

  const ConvGeometry& geometry() const;
  std::size_t chunk() const;

  /// Sets weights [k][channels / groups][ky][kx] and bias [k]. Not while another thread calls forward().
  void set_weights(std::span<const float> weight, std::span<const float> bias);

  /// dst [images][out height][out width][k] = conv(src [images][height][width][channels]); images <= chunk.
  void forward(const float* src, float* dst, std::size_t images, ConvScratch& scratch) const;

  /// diff_src = the gradient with regard to src, given that with regard to dst. Needs prepare_backward().
  void backward_data(const float* diff_dst, float* diff_src, std::size_t images, ConvScratch& scratch) const;

  /// The gradients with regard to the weights [k][channels / groups][ky][kx] and the bias [k], summed over the images.
  void backward_weights(const float* src, const float* diff_dst, float* diff_weight, float* diff_bias,
                        std::size_t images, ConvScratch& scratch) const;

  /// From now on set_weights() also sets the weights for backward_data().
  void prepare_backward();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shiftsim::quantizer
