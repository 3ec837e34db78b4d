// The float network executed: what quantized accuracy is measured against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/images.h"
#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Normalization of raw pixels to what the network was trained on, per channel: x = scale[c] * pixel + shift[c].
struct PixelNormalization {
  std::vector<float> scale, shift;
};

/// (pixel / spec.scale - mean) / std, then what the graph itself does. One mean or std serves all channels.
PixelNormalization normalization(const Graph& graph, const qnet::InputSpec& spec);

/// Runs a simplified graph on images, on several threads with the same bits at any number of them.
class FloatEngine {
public:
  /// 'graph' must outlive the engine.
  FloatEngine(const Graph& graph, const qnet::InputSpec& spec, int threads);
  ~FloatEngine();

  /// Logits [count][classes] of the images from 'first' on. 'progress' (may be empty) gets the number of images done,
  /// from one thread at a time.
  std::vector<float> run(const ImageSet& images, std::size_t first, std::size_t count,
                         const std::function<void(std::size_t)>& progress = {}) const;

  /// One node's output [count][height][width][channels], its inputs' outputs given in the same form.
  std::vector<float> run_node(int node, const std::vector<const float*>& inputs, std::size_t count) const;

  /// The normalized pixels of the images with these indices: the output of node 0.
  std::vector<float> normalized(const ImageSet& images, const std::vector<std::size_t>& indices) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Index of the largest logit of each image; ties go to the lowest index.
std::vector<int> argmax_float(const std::vector<float>& logits, std::size_t classes);

}  // namespace shiftsim::quantizer
