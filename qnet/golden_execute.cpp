#include <algorithm>
#include <cstring>

#include "common/error.h"
#include "common/index.h"
#include "qnet/golden_layer.h"

namespace shiftsim::qnet {
namespace {

/// One image's map with its padding around it and each channel 'repeat' times.
void pad_image(const GoldenLayer& prepared, const std::int16_t* from, std::int16_t* to) {
  const Layer& layer = *prepared.layer;
  const std::size_t channels = index(prepared.channels),
                    in_row = index(prepared.input->width) * index(prepared.input->channels);
  auto fill = [&](std::size_t positions) {
    for (std::size_t i = 0; i < positions; ++i) {
      for (std::size_t c = 0; c < channels; ++c) to[c] = prepared.padding[c];
      to += channels;
    }
  };
  fill(index(layer.pad_top) * index(prepared.width));
  for (int y = 0; y < prepared.input->height; ++y, from += in_row) {
    fill(index(layer.pad_left));
    if (prepared.repeat == 1) {
      std::memcpy(to, from, in_row * sizeof *to);
      to += in_row;
    } else {
      for (std::size_t i = 0; i < in_row; ++i) {
        for (int r = 0; r < prepared.repeat; ++r) *to++ = from[i];
      }
    }
    fill(index(layer.pad_right));
  }
  fill(index(layer.pad_bottom) * index(prepared.width));
}

/// S of every output pixel and group of a batch: sums over the channels first, then over the window.
void window_sums(const GoldenLayer& prepared, const std::int16_t* input, int images, std::vector<std::int32_t>& column,
                 std::vector<std::int32_t>& sums) {
  const std::size_t groups = index(prepared.layer->groups), depth = index(prepared.channels) / groups;
  SHIFTSIM_CHECK(depth > 0, "{} channels in {} groups", prepared.channels, groups);
  const std::size_t positions = index(prepared.height) * index(prepared.width), pixels = index(prepared.pixels());
  column.resize(positions * groups);
  sums.resize(index(images) * pixels * groups);
  std::int32_t* out = sums.data();
  for (int image = 0; image < images; ++image) {
    const std::int16_t* at = input + index(image) * prepared.image_size();
    for (std::int32_t& sum : column) {
      std::int32_t total = 0;
      for (std::size_t c = 0; c < depth; ++c) total += at[c];
      sum = total;
      at += depth;
    }
    for (std::size_t pixel = 0; pixel < pixels; ++pixel, out += groups) {
      const std::size_t first = index(prepared.pixel_offsets[pixel]) / depth;  // positions * groups
      std::fill_n(out, groups, 0);
      for (const std::int32_t tap : prepared.tap_offsets) {
        const std::int32_t* from = column.data() + first + index(tap) / depth;
        for (std::size_t g = 0; g < groups; ++g) out[g] += from[g];
      }
    }
  }
}

/// One image of a view. 'joined' is not read where nothing is joined.
void gather(const GoldenLayer& prepared, const std::int16_t* input, const std::int16_t* joined, std::int16_t* output) {
  const Layer& layer = *prepared.layer;
  const Tensor& in = *prepared.input;
  const std::size_t from_input = index(in.channels);
  const std::size_t from_joined = prepared.joined != nullptr ? index(prepared.joined->channels) : 0;
  for (int y = 0; y < prepared.output->height; ++y)
    for (int x = 0; x < prepared.output->width; ++x) {
      const PixelSource from = layer.view.source(y, x, in.height, in.width);
      const int width = from.is_joined ? prepared.joined->width : in.width;
      const std::size_t pixel = index(from.y) * index(width) + index(from.x);
      const std::int16_t* const first = (from.is_joined ? joined : input) + pixel * from_input;
      for (const std::int32_t channel : layer.channels) {
        const std::size_t c = index(channel);
        *output++ = c < from_input ? first[c] : joined[pixel * from_joined + c - from_input];
      }
    }
}

}  // namespace

void execute(const GoldenLayer& prepared, const Kernels& kernels, const std::int16_t* input,
             const std::int16_t* residual, std::int16_t* output, std::int32_t* logits, int images,
             GoldenScratch& scratch) {
  if (prepared.layer->is_view()) {
    SHIFTSIM_CHECK(input != nullptr && output != nullptr, "layer {}: no values", prepared.layer->name);
    const std::size_t joined = prepared.joined != nullptr ? prepared.joined->size() : 0;
    for (int i = 0; i < images; ++i)
      gather(prepared, input + index(i) * prepared.input->size(),
             residual == nullptr ? input : residual + index(i) * joined, output + index(i) * prepared.output->size());
    return;
  }
  const std::int16_t* read = input;
  if (prepared.copy) {
    const std::size_t needed = prepared.image_size() * index(images) + kSlack;
    if (scratch.padded.size() < needed) scratch.padded.resize(needed);
    for (int i = 0; i < images; ++i) {
      pad_image(prepared, input + index(i) * prepared.input->size(),
                scratch.padded.data() + index(i) * prepared.image_size());
    }
    read = scratch.padded.data();
  }
  const auto image_stride = static_cast<std::int64_t>(prepared.image_size());
  if (row_of(prepared.layer->kind).reduction == Reduction::kMax) {
    kernels.max_pool({read, image_stride, prepared.pixel_offsets.data(), prepared.tap_offsets.data(), prepared.pixels(),
                      images, prepared.channels, static_cast<int>(prepared.tap_offsets.size()), output});
    return;
  }
  if (prepared.sums) window_sums(prepared, read, images, scratch.column, scratch.sums);
  const SumTask common{read,
                       image_stride,
                       prepared.pixel_offsets.data(),
                       prepared.pixels(),
                       images,
                       prepared.output->channels,
                       prepared.tables.view(),
                       prepared.sums ? scratch.sums.data() : nullptr,
                       residual,
                       output,
                       logits,
                       prepared.table.empty() ? nullptr : prepared.table.data()};
  if (prepared.depthwise) {
    kernels.depthwise({common, prepared.depthwise_weights.data(), prepared.tap_offsets.data(),
                       static_cast<int>(prepared.tap_offsets.size()), prepared.weight_stride});
  } else {
    const int groups = prepared.layer->groups;
    kernels.conv({common, prepared.weights.data(), prepared.runs.data(), static_cast<int>(prepared.runs.size()),
                  prepared.pairs, groups, prepared.input->channels / groups, prepared.output->channels / groups,
                  prepared.vectors});
  }
}

}  // namespace shiftsim::qnet
