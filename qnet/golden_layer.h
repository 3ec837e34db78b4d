// One layer of the golden reference: prepared for the kernels, and executed on a batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "qnet/golden_kernels.h"
#include "qnet/network.h"

namespace shiftsim::qnet {

/// The owner of a layer's ChannelTables.
struct Tables {
  std::vector<std::int32_t> c, bias, right, left, lo, hi, res_half, res_right, res_left;

  ChannelTables view() const {
    return {c.data(),  bias.data(),     right.data(),     left.data(),    lo.data(),
            hi.data(), res_half.data(), res_right.data(), res_left.data()};
  }
};

/// A layer prepared for the kernels: packed weights, tables, and where things are in the padded input.
struct GoldenLayer {
  const Layer* layer = nullptr;
  const Tensor *input = nullptr, *output = nullptr;
  const Tensor* joined = nullptr;  ///< view: what is joined to the input; null: nothing
  bool logits = false;
  bool depthwise = false;                   ///< channels kept apart (pooling too)
  bool copy = false;                        ///< the input is copied, to pad it or to repeat its channels
  int repeat = 1;                           ///< depthwise: outputs of one input channel
  int height = 0, width = 0, channels = 0;  ///< of what the kernels read: padded, repeated
  std::vector<std::int16_t> padding;        ///< [channels] what positions outside the map hold
  std::vector<std::int32_t> pixel_offsets;  ///< [output pixels]
  std::vector<std::int32_t> tap_offsets;    ///< [taps]
  std::vector<Run> runs;
  int pairs = 0, vectors = 1, weight_stride = 0;
  std::vector<std::int16_t> weights;
  std::vector<std::int32_t> depthwise_weights;
  Tables tables;
  std::vector<std::int16_t> table;  ///< [256] codes of the output; empty: none
  bool sums = false;

  std::size_t image_size() const {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  int pixels() const { return output->height * output->width; }
};

/// 'lanes': of the kernels that will execute it. 'logits': the layer gives them.
GoldenLayer prepare_layer(const Network& network, const Layer& layer, bool logits, int lanes);

/// Buffers that the layers of one thread share.
struct GoldenScratch {
  std::vector<std::int16_t> padded;
  std::vector<std::int32_t> column, sums;
};

/// Executes one layer on a batch. Inputs are followed by kSlack readable codes. One of 'output' and 'logits' is null.
void execute(const GoldenLayer& prepared, const Kernels& kernels, const std::int16_t* input,
             const std::int16_t* residual, std::int16_t* output, std::int32_t* logits, int images,
             GoldenScratch& scratch);

}  // namespace shiftsim::qnet
